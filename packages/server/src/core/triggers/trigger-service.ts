import {
  type Event,
  limits,
  MusterError,
  type Trigger,
  type TriggerDetail,
  type TriggerOn,
  TriggerRequest,
} from "@muster/sdk/protocol";
import type { Database } from "../../ports/database.ts";
import type { Announce } from "../aftermath.ts";
import { planTasks } from "../intake/plan-tasks.ts";
import type { EventService, Principal, TriggerService } from "../orchestrator.ts";
import {
  createTriggerRow,
  deleteTrigger,
  findTrigger,
  listTriggers,
  setTriggerStatus,
  type TriggerRow,
} from "../queue/statements/triggers.ts";
import { prepareRun } from "../runs/start-run.ts";
import type { ScheduledWork, StartDependencies } from "../schedules/start-scheduled.ts";
import { isoTime, isoTimeOrNull } from "../task-view.ts";
import { isUuid, parse, payloadText } from "../validate.ts";
import { withEvent } from "./with-event.ts";

export interface TriggerServiceDependencies extends Pick<StartDependencies, "clock" | "ids"> {
  database: Database;
  announce: Announce;
  events: Pick<EventService, "latest">;
}

const defaultPerMinute = 60;
const defaultDepth = 4;

/** Work for events: make a trigger, look at it, pause it, delete it. */
export function createTriggerService(deps: TriggerServiceDependencies): TriggerService {
  const { database, clock, announce, events } = deps;

  async function find(word: string, principal: Principal): Promise<TriggerRow> {
    const id = isUuid(word) ? word : null;
    const [row] = await database.query(findTrigger, [principal.tenant, id, word]);
    if (row !== undefined) return row;
    throw new MusterError("not_found", `There is no trigger ${word}.`, {
      hint: "See them with: muster trigger list",
    });
  }

  async function setStatus(word: string, principal: Principal, status: "active" | "paused") {
    mayWrite(principal);
    const row = await find(word, principal);
    const [position, told] =
      status === "active" ? [await events.latest(), "trigger.resumed"] : [null, "trigger.paused"];
    const [changed] = await database.query(setTriggerStatus, [row.id, status, position, clock.now(), told]);
    announce({});
    return triggerOf(changed ?? (await find(row.id, principal)));
  }

  return {
    async create(request, principal, { dryRun = false } = {}) {
      mayWrite(principal);
      const tenant = principal.tenant === "*" ? "default" : principal.tenant;
      const row = rowOf(request, tenant, await events.latest(), deps);
      if (dryRun) return detailOf(row);
      const [made] = await database.query(createTriggerRow, [
        ...[row.id, tenant, row.name],
        row.types,
        ...[row.capability, JSON.stringify(row.conditions), row.event_as, row.starts, row.what],
        ...[JSON.stringify(row.document), row.status, row.position, row.max_per_minute, row.max_depth],
        ...[row.created_at, limits.triggersPerTenant],
      ]);
      if (made === undefined) throw await notMade(row);
      announce({});
      return detailOf(made);
    },
    async list(filter, principal) {
      const limit = Math.min(Math.max(1, filter.limit ?? 50), limits.pageSize);
      if (filter.before !== undefined && !isUuid(filter.before))
        throw invalid(`"${filter.before}" is not an id.`);
      const { status = null, before = null } = filter;
      const rows = await database.query(listTriggers, [principal.tenant, status, before, limit + 1]);
      const items = rows.slice(0, limit).map(triggerOf);
      return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
    },
    get: async (word, principal) => detailOf(await find(word, principal)),
    pause: (word, principal) => setStatus(word, principal, "paused"),
    resume: (word, principal) => setStatus(word, principal, "active"),
    async delete(word, principal) {
      mayWrite(principal);
      const { id } = await find(word, principal);
      const [row] = await database.query(deleteTrigger, [id, clock.now()]);
      if (row === undefined) throw new MusterError("not_found", `There is no trigger ${word}.`);
      announce({});
      return triggerOf(row);
    },
  };

  async function notMade({ tenant, name }: TriggerRow): Promise<MusterError> {
    const [other] = await database.query(findTrigger, [tenant, null, name]);
    if (other !== undefined) {
      return new MusterError("conflict", `There is a trigger ${name} already.`, {
        hint: `Delete it first (muster trigger rm ${name}), or take another name.`,
      });
    }
    return new MusterError("limit_exceeded", `A tenant may have ${limits.triggersPerTenant} triggers.`, {
      hint: "Delete some that are not needed any more.",
    });
  }
}

/** The row that a request asks for, or its refusal. Nothing is written. */
function rowOf(
  request: TriggerRequest,
  tenant: string,
  position: number,
  { clock, ids }: Pick<StartDependencies, "clock" | "ids">,
): TriggerRow {
  parse(TriggerRequest, request, "The trigger");
  const { name, on, eventAs = null, task, run, paused = false } = request;
  if (isUuid(name)) throw invalid("The name of a trigger can't look like an id.");
  if ((task === undefined) === (run === undefined)) throw invalid("A trigger starts either a task or a run.");
  const own = on.types.find((type) => type.startsWith("trigger."));
  if (own !== undefined) throw invalid(`${own} is told by triggers themselves, and starts none.`);
  const work: ScheduledWork = task === undefined ? { run: run as ScheduledWork["run"] } : { task };
  const now = clock.now();
  return {
    ...{ id: ids.next(), tenant, name, types: on.types, capability: on.capability ?? null },
    ...{ conditions: on.where ?? {}, event_as: eventAs, starts: task === undefined ? "run" : "task" },
    what: checkWork(work, eventAs, tenant, { clock, ids }),
    document: JSON.parse(payloadText(work, "The work of the trigger")),
    status: paused ? "paused" : "active",
    ...{ position, max_per_minute: request.maxPerMinute ?? defaultPerMinute },
    ...{ max_depth: request.maxDepth ?? defaultDepth, minute_at: 0, in_minute: 0, held_until: null },
    ...{ last_at: null, last_event: null, last_id: null, started: 0, skipped: 0, created_at: now },
  };
}

/** Refuses work that could not be handed in for an event; answers what it is. */
function checkWork(
  work: ScheduledWork,
  eventAs: string | null,
  tenant: string,
  { clock, ids }: Pick<StartDependencies, "clock" | "ids">,
): string {
  const input = work.task?.input;
  if (
    eventAs !== null &&
    input !== undefined &&
    (typeof input !== "object" || !input || Array.isArray(input))
  )
    throw invalid("The event becomes a member of the task's input, so that must be an object.");
  const { task, run } = withEvent(work, eventAs, someEvent(clock.now(), tenant));
  if (run !== undefined) return prepareRun(run).workflow.name;
  if (task?.dependsOn !== undefined || task?.idempotencyKey !== undefined) {
    throw invalid(
      "A triggered task has no dependencies and no idempotency key: it is another one each time.",
      {
        hint: "Work of several steps is a workflow: start a run of it.",
      },
    );
  }
  planTasks([task as NonNullable<typeof task>], { tenant }, clock.now(), ids);
  return task?.capability ?? `for ${task?.agent}`;
}

/** An event as others will be, to try the work with. */
const someEvent = (now: number, tenant: string): Event => ({
  ...{ seq: 1, at: isoTime(now), type: "task.completed", taskId: null, runId: null, agentId: null },
  ...{ tenant, data: {} },
});

const invalid = (message: string, options: { hint?: string } = {}): MusterError =>
  new MusterError("invalid_request", message, options);

const mayWrite = (principal: Principal): void => {
  if (principal.role === "agent")
    throw new MusterError("forbidden", "A key of role agent can't make or change triggers.");
};

function triggerOf(row: TriggerRow): Trigger {
  const where = row.conditions as NonNullable<TriggerOn["where"]>;
  return {
    ...{ id: row.id, name: row.name, tenant: row.tenant, status: row.status },
    on: {
      types: row.types as TriggerOn["types"],
      ...(row.capability === null ? {} : { capability: row.capability }),
      ...(Object.keys(where).length === 0 ? {} : { where }),
    },
    ...{ eventAs: row.event_as, maxPerMinute: row.max_per_minute, maxDepth: row.max_depth },
    ...{ starts: row.starts, what: row.what, position: Number(row.position) },
    ...{ heldUntil: isoTimeOrNull(row.held_until), lastAt: isoTimeOrNull(row.last_at) },
    ...{ lastEvent: row.last_event, lastId: row.last_id },
    ...{ started: Number(row.started), skipped: Number(row.skipped), createdAt: isoTime(row.created_at) },
  };
}

const detailOf = (row: TriggerRow): TriggerDetail => ({
  ...triggerOf(row),
  ...(row.document as ScheduledWork),
});
