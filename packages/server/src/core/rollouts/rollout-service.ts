import { limits, MusterError, type Rollout, type RolloutDetail } from "@muster/sdk/protocol";
import type { AgentRegistry } from "../../ports/agent-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database, Queryable } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Announce } from "../aftermath.ts";
import type { Principal, RolloutService } from "../orchestrator.ts";
import { readOutcomes } from "../queue/statements/rollout-outcomes.ts";
import { countVerdicts, readDifferences } from "../queue/statements/rollout-shadows.ts";
import {
  addRollout,
  clearRollout,
  findConflict,
  listRollouts,
  lockRollouts,
  type RolloutRow,
  readRollout,
  replaceRollout,
} from "../queue/statements/rollouts.ts";
import { isUuid } from "../validate.ts";
import { dueOf, type Judge } from "./judge-rollouts.ts";
import { planRollout, type RolloutPlan } from "./plan-rollout.ts";
import { mostRollouts, type RolloutBoard } from "./rollout-board.ts";
import { outcomesOf, rolloutOf } from "./rollout-view.ts";
import { mostDifferences } from "./shadows.ts";

export interface RolloutServiceDependencies {
  database: Database;
  registry: AgentRegistry;
  clock: Clock;
  ids: Ids;
  announce: Announce;
  board: RolloutBoard;
  judge: Judge;
}

/** Characters kept of why somebody aborted. */
const reasonLength = 1_000;

/** Rollouts for whoever looks after agents: start, look, promote, abort, clear. */
export function createRolloutService(deps: RolloutServiceDependencies): RolloutService {
  const { database, registry, clock, ids, announce, board, judge } = deps;

  async function find(id: string, principal: Principal): Promise<RolloutRow> {
    mayLook(principal);
    const [row] = isUuid(id) ? await database.query(readRollout, [id, principal.tenant]) : [];
    if (row !== undefined) return row;
    throw new MusterError("not_found", `There is no rollout ${id}.`, {
      hint: "See them with: muster rollout list",
    });
  }

  async function running(id: string, principal: Principal): Promise<RolloutRow> {
    mayChange(principal);
    const row = await find(id, principal);
    if (row.status === "running") return row;
    throw new MusterError(
      "conflict",
      `The rollout of ${row.capability} is ${row.status.replace("_", " ")} already.`,
      {
        hint: `To let every version work again: muster rollout clear ${row.capability}`,
      },
    );
  }

  async function detailOf(row: RolloutRow): Promise<RolloutDetail> {
    const outcomes = await database.query(readOutcomes, [row.id, row.step_started_at, limits.rolloutSamples]);
    const [verdicts] = await database.query(countVerdicts, [row.id]);
    const differences = await database.query(readDifferences, [row.id, mostDifferences]);
    return {
      ...rolloutOf(row),
      outcomes: outcomesOf(outcomes),
      comparisons: {
        ...(verdicts ?? { open: 0, equal: 0, different: 0, failed: 0 }),
        differences: differences.map(({ difference }) => difference),
      },
    };
  }

  async function insert(tx: Queryable, plan: RolloutPlan, by: string): Promise<RolloutRow> {
    const now = clock.now();
    await tx.query(lockRollouts);
    const [found] = await tx.query(findConflict, [plan.capability, plan.tenant]);
    if (found?.id != null) {
      throw new MusterError("conflict", `A rollout of ${plan.capability} is under way already.`, {
        hint: `Look at it with: muster rollout status ${plan.capability}; end it with: muster rollout abort ${plan.capability}`,
      });
    }
    if ((found?.total ?? 0) >= mostRollouts) {
      throw new MusterError("limit_exceeded", `${mostRollouts} rollouts hold at once at most.`, {
        hint: "Clear those that ended with: muster rollout clear CAPABILITY",
      });
    }
    await tx.query(replaceRollout, [plan.capability, plan.tenant]);
    const row = { ...plan, id: ids.next(), started_by: by, due_at: dueOf(plan, 0, now) };
    const [added] = await tx.query(addRollout, [JSON.stringify(row), now]);
    return added as RolloutRow;
  }

  /** Somebody else moved it in between. */
  const moved = (row: RolloutRow | null): Rollout => {
    if (row !== null) return rolloutOf(row);
    throw new MusterError("conflict", "The rollout has just been moved by somebody else.", {
      hint: "Look at it again before you go on.",
    });
  };

  return {
    async start(request, principal) {
      mayChange(principal);
      const tenant = tenantFor(principal, request?.tenant);
      const plan = planRollout(request, tenant, await registry.list(clock.now()));
      const row = await database.transaction((tx) => insert(tx, plan, principal.name));
      announce(row.due_at === null ? {} : { dueAt: row.due_at });
      await board.changed();
      return rolloutOf(row);
    },
    get: async (id, principal) => detailOf(await find(id, principal)),
    async list(filter, principal) {
      mayLook(principal);
      if (filter.before !== undefined && !isUuid(filter.before))
        throw new MusterError("invalid_request", `"${filter.before}" is not an id.`);
      const limit = Math.min(Math.max(1, filter.limit ?? 50), limits.pageSize);
      const { capability = null, status = null, before = null } = filter;
      const rows = await database.query(listRollouts, [
        principal.tenant,
        capability,
        status,
        before,
        limit + 1,
      ]);
      const items = rows.slice(0, limit).map(rolloutOf);
      return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
    },
    async promote(id, { toEnd = false }, principal) {
      const row = await running(id, principal);
      return moved(await judge.advance(row, { by: principal.name, toEnd }));
    },
    async abort(id, { reason }, principal) {
      const row = await running(id, principal);
      const message = reason?.slice(0, reasonLength) ?? `Aborted by ${principal.name}.`;
      const cause = { code: "aborted", message, by: principal.name };
      return moved(await judge.move(row, { status: "aborted", step: row.step, cause }));
    },
    async clear(id, principal) {
      mayChange(principal);
      const row = await find(id, principal);
      if (row.status === "running") {
        throw new MusterError("conflict", `The rollout of ${row.capability} is under way.`, {
          hint: "Promote or abort it first.",
        });
      }
      const [cleared] = await database.query(clearRollout, [row.id, clock.now(), principal.name]);
      announce({});
      await board.changed();
      return rolloutOf(cleared ?? { ...row, holds: false });
    },
  };
}

function mayLook({ role }: Principal): void {
  if (role === "agent") throw new MusterError("forbidden", "A key of role agent can't look at rollouts.");
}

function mayChange({ role }: Principal): void {
  if (role !== "admin") throw new MusterError("forbidden", "Only an admin may start and move rollouts.");
}

function tenantFor(principal: Principal, wanted: string | undefined): string {
  if (principal.tenant === "*" || wanted === undefined || wanted === principal.tenant)
    return wanted ?? principal.tenant;
  throw new MusterError(
    "forbidden",
    `An admin of ${principal.tenant} can't start a rollout of another tenant.`,
    {
      hint: "Leave the tenant out, or use an admin key of the tenant *.",
    },
  );
}
