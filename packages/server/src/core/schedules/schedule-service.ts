import {
  limits,
  MusterError,
  type Schedule,
  type ScheduleDetail,
  ScheduleRequest,
  type TaskSubmission,
} from "@muster/sdk/protocol";
import type { Database, Queryable } from "../../ports/database.ts";
import type { Announce } from "../aftermath.ts";
import { planTasks } from "../intake/plan-tasks.ts";
import type { Principal, ScheduleService } from "../orchestrator.ts";
import {
  createScheduleRow,
  deleteSchedule,
  findSchedule,
  holdSchedule,
  listSchedules,
  moveSchedule,
  type ScheduleRow,
} from "../queue/statements/schedules.ts";
import { prepareRun } from "../runs/start-run.ts";
import { isoTime, isoTimeOrNull } from "../task-view.ts";
import { isUuid, parse, payloadText } from "../validate.ts";
import { readCron, refuseTimezone, timesOf } from "./cron-times.ts";
import { facts, startedEvent } from "./fire-schedules.ts";
import { type ScheduledWork, type StartDependencies, startScheduled } from "./start-scheduled.ts";

export interface ScheduleServiceDependencies extends StartDependencies {
  database: Database;
  announce: Announce;
}

/** Times that are told beforehand. */
const mostUpcoming = 5;
/** The furthest that a single time may be away. */
const furthestMs = 10 * 366 * 24 * 3_600_000;

/** Work at certain times: make a schedule, look at it, pause it, run it now, delete it. */
export function createScheduleService(deps: ScheduleServiceDependencies): ScheduleService {
  const { database, clock, announce } = deps;

  async function find(word: string, principal: Principal): Promise<ScheduleRow> {
    const id = isUuid(word) ? word : null;
    const [row] = await database.query(findSchedule, [principal.tenant, id, word]);
    if (row !== undefined) return row;
    throw new MusterError("not_found", `There is no schedule ${word}.`, {
      hint: "See them with: muster schedule list",
    });
  }

  /** Works on a schedule that nobody else changes meanwhile. */
  async function held<T>(
    word: string,
    principal: Principal,
    work: (tx: Queryable, row: ScheduleRow) => Promise<T>,
  ) {
    mayWrite(principal);
    const { id } = await find(word, principal);
    return database.transaction(async (tx) => {
      const [row] = await tx.query(holdSchedule, [id]);
      if (row === undefined) throw new MusterError("not_found", `There is no schedule ${word}.`);
      return work(tx, row);
    });
  }

  async function moved(
    tx: Queryable,
    row: ScheduleRow,
    to: { next: number | null; status: string; type: string },
  ) {
    const events = JSON.stringify([{ type: to.type, data: facts(row) }]);
    const place = [row.id, row.next_at, to.next, to.status, row.queued, null, null, 0, 0];
    const [after] = await tx.query(moveSchedule, [...place, clock.now(), events]);
    return after as ScheduleRow;
  }

  function announceNext({ next_at }: ScheduleRow): void {
    announce(next_at === null ? {} : { dueAt: next_at });
  }

  return {
    async create(request, principal, { dryRun = false } = {}) {
      mayWrite(principal);
      const tenant = principal.tenant === "*" ? "default" : principal.tenant;
      const row = rowOf(request, tenant, deps);
      if (dryRun) return detailOf(row, clock.now());
      const [made] = await database.query(createScheduleRow, [
        ...[
          row.id,
          tenant,
          row.name,
          row.cron,
          row.at,
          row.timezone,
          row.missed,
          row.overlap,
          row.starts,
          row.what,
        ],
        ...[JSON.stringify(row.document), row.status, row.next_at, row.created_at, limits.schedulesPerTenant],
      ]);
      if (made === undefined) throw await notMade(row);
      announceNext(made);
      return detailOf(made, clock.now());
    },

    async list(filter, principal) {
      const limit = Math.min(Math.max(1, filter.limit ?? 50), limits.pageSize);
      if (filter.before !== undefined && !isUuid(filter.before))
        throw new MusterError("invalid_request", `"${filter.before}" is not an id.`);
      const { status = null, before = null } = filter;
      const rows = await database.query(listSchedules, [principal.tenant, status, before, limit + 1]);
      const items = rows.slice(0, limit).map(scheduleOf);
      return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
    },

    get: async (word, principal) => detailOf(await find(word, principal), clock.now()),

    async pause(word, principal) {
      const row = await held(word, principal, async (tx, before) => {
        if (before.status === "paused") return before;
        if (before.status === "ended") throw hasEnded(before);
        return moved(tx, before, { next: null, status: "paused", type: "schedule.paused" });
      });
      announceNext(row);
      return scheduleOf(row);
    },

    async resume(word, principal) {
      const row = await held(word, principal, async (tx, before) => {
        if (before.status === "active") return before;
        const next = before.status === "ended" ? null : nextOf(before, clock.now());
        if (next === null) throw hasEnded(before);
        return moved(tx, before, { next, status: "active", type: "schedule.resumed" });
      });
      announceNext(row);
      return scheduleOf(row);
    },

    async run(word, principal) {
      const { row, work } = await held(word, principal, async (tx, before) => {
        const started = await startScheduled(deps, tx, before);
        const now = clock.now();
        const events = JSON.stringify([startedEvent(before, started.id, now)]);
        const place = [before.id, before.next_at, before.next_at, before.status, before.queued];
        await tx.query(moveSchedule, [...place, now, started.id, 1, 0, now, events]);
        return { row: before, work: started };
      });
      for (const effect of work.effects) announce(effect);
      return { schedule: row.id, starts: row.starts, id: work.id };
    },

    async delete(word, principal) {
      const row = await held(
        word,
        principal,
        async (tx, { id }) => (await tx.query(deleteSchedule, [id, clock.now()]))[0],
      );
      announce({});
      return scheduleOf(row as ScheduleRow);
    },
  };

  async function notMade({ tenant, name }: ScheduleRow): Promise<MusterError> {
    const [other] = await database.query(findSchedule, [tenant, null, name]);
    if (other !== undefined) {
      return new MusterError("conflict", `There is a schedule ${name} already.`, {
        hint: `Delete it first (muster schedule rm ${name}), or take another name.`,
      });
    }
    return new MusterError("limit_exceeded", `A tenant may have ${limits.schedulesPerTenant} schedules.`, {
      hint: "Delete some that are not needed any more.",
    });
  }
}

/** The row that a request asks for, or its refusal. Nothing is written. */
function rowOf(request: ScheduleRequest, tenant: string, { clock, ids }: StartDependencies): ScheduleRow {
  parse(ScheduleRequest, request, "The schedule");
  const { name, cron = null, at = null, timezone = "UTC", task, run, paused = false } = request;
  const now = clock.now();
  if (isUuid(name)) throw invalid("The name of a schedule can't look like an id.");
  if ((cron === null) === (at === null)) throw invalid("A schedule has either a cron line or one time.");
  if ((task === undefined) === (run === undefined))
    throw invalid("A schedule starts either a task or a run.");
  refuseTimezone(timezone);
  const next = cron === null ? readAt(at as string, now) : readCron(cron, timezone, now).after(now);
  const work: ScheduledWork = task === undefined ? { run: run as ScheduledWork["run"] } : { task };
  return {
    id: ids.next(),
    tenant,
    name,
    cron: cron === null ? null : cron.trim().replace(/\s+/g, " "),
    at: cron === null ? next : null,
    timezone,
    missed: request.missed ?? "run-once",
    overlap: request.overlap ?? "skip",
    starts: task === undefined ? "run" : "task",
    what:
      task === undefined
        ? prepareRun(run as { workflow: unknown }).workflow.name
        : checkTask(task, tenant, now, ids),
    document: JSON.parse(payloadText(work, "The work of the schedule")),
    status: paused ? "paused" : "active",
    next_at: paused ? null : next,
    last_at: null,
    last_id: null,
    queued: 0,
    started: 0,
    skipped: 0,
    created_at: now,
  };
}

/** Refuses a task that could not be handed in again and again; answers what it is for. */
function checkTask(task: TaskSubmission, tenant: string, now: number, ids: StartDependencies["ids"]): string {
  if (task.dependsOn !== undefined || task.idempotencyKey !== undefined) {
    throw invalid(
      "A scheduled task has no dependencies and no idempotency key: it is another one each time.",
      {
        hint: "Work of several steps is a workflow: schedule a run of it.",
      },
    );
  }
  planTasks([task], { tenant }, now, ids);
  return task.capability ?? `for ${task.agent}`;
}

function readAt(text: string, now: number): number {
  const at = Date.parse(text);
  if (!Number.isFinite(at)) throw invalid(`"${text}" is no time.`);
  if (at <= now) throw invalid(`The time ${text} has passed.`);
  if (at - now > furthestMs) throw invalid(`The time ${text} is more than ten years away.`);
  return at;
}

const invalid = (message: string, options: { hint?: string } = {}): MusterError =>
  new MusterError("invalid_request", message, options);

const hasEnded = ({ name }: ScheduleRow): MusterError =>
  new MusterError("conflict", `Schedule ${name} has no time any more.`, {
    hint: `Start its work now (muster schedule run ${name}), or make another one.`,
  });

const mayWrite = (principal: Principal): void => {
  if (principal.role === "agent")
    throw new MusterError("forbidden", "A key of role agent can't make or change schedules.");
};

/** The first time behind a moment, as if the schedule were active. */
function nextOf({ cron, at, timezone }: ScheduleRow, moment: number): number | null {
  if (cron !== null) return timesOf(cron, timezone).after(moment);
  return at !== null && at > moment ? at : null;
}

function upcomingOf(row: ScheduleRow, now: number): string[] {
  const times: string[] = [];
  if (row.status === "ended") return times;
  for (let next = row.next_at ?? nextOf(row, now); next !== null; next = nextOf(row, next)) {
    times.push(isoTime(next));
    if (times.length === mostUpcoming) break;
  }
  return times;
}

function scheduleOf(row: ScheduleRow): Schedule {
  const { id, name, tenant, status, cron, timezone, missed, overlap, starts, what } = row;
  return {
    ...{ id, name, tenant, status, cron, at: isoTimeOrNull(row.at), timezone, missed, overlap, starts, what },
    nextAt: isoTimeOrNull(row.next_at),
    lastAt: isoTimeOrNull(row.last_at),
    lastId: row.last_id,
    queued: row.queued,
    started: Number(row.started),
    skipped: Number(row.skipped),
    createdAt: isoTime(row.created_at),
  };
}

const detailOf = (row: ScheduleRow, now: number): ScheduleDetail => ({
  ...scheduleOf(row),
  upcoming: upcomingOf(row, now),
  ...(row.document as ScheduledWork),
});
