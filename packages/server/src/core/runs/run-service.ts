import {
  type BudgetResume,
  type CancelReport,
  limits,
  MusterError,
  type Run,
  type RunDetail,
  RunStart,
} from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Log } from "../../ports/log.ts";
import type { Aftermath, Announce } from "../aftermath.ts";
import { budgetOf, describeReached } from "../budgets/describe-budget.ts";
import { parseResume } from "../budgets/raise-budget.ts";
import type { Waiters } from "../events/waiters.ts";
import type { Submit } from "../intake/submit-tasks.ts";
import type { Principal, RunService } from "../orchestrator.ts";
import { readBudgets } from "../queue/statements/budgets.ts";
import { readRunTasks } from "../queue/statements/read-tasks.ts";
import {
  listRuns,
  lockRun,
  type RunRow,
  readRuns,
  readSteps,
  stalledRuns,
} from "../queue/statements/runs.ts";
import { readKeys, takeKeys } from "../queue/statements/submission.ts";
import { taskOf } from "../task-view.ts";
import { cancelReportOf } from "../tasks/cancel-report.ts";
import { isUuid, parse } from "../validate.ts";
import { advanceRun } from "./advance-run.ts";
import { runOf } from "./describe-run.ts";
import { resume } from "./resume-run.ts";
import { reopen } from "./retry-run.ts";
import { prepareRun, startWithin } from "./start-run.ts";
import { stopRun } from "./stop-run.ts";

export interface RunServiceDependencies {
  database: Database;
  clock: Clock;
  ids: Ids;
  log: Log;
  submit: Submit;
  waiters: Waiters;
  announce: Announce;
}

/** Tasks that the detail of a run shows. */
const mostTasks = limits.tasksPerSubmission * 2;

/** Runs of workflows: start, look, wait, cancel, retry; and moving them on when a step is over. */
export function createRunService(deps: RunServiceDependencies) {
  const { database, clock, ids, log, waiters, announce } = deps;
  const waiting = new Set<string>();
  let moving: Promise<void> | null = null;
  let stopped = false;

  async function find(id: string, principal: Principal): Promise<RunRow> {
    const [row] = isUuid(id) ? await database.query(readRuns, [[id]]) : [];
    if (row === undefined || (principal.tenant !== "*" && row.tenant !== principal.tenant)) {
      throw new MusterError("not_found", `There is no run ${id}.`, {
        hint: "See them with: muster run list",
      });
    }
    return row;
  }

  /** Rows as the world sees them. */
  async function describe(rows: readonly RunRow[]): Promise<Run[]> {
    const steps = await database.query(readSteps, [rows.map((row) => row.id)]);
    const budgetIds = rows.flatMap(({ budget_id }) => (budget_id === null ? [] : [budget_id]));
    const budgets = budgetIds.length === 0 ? [] : await database.query(readBudgets, [budgetIds]);
    const budgetOfRun = new Map(budgets.map((budget) => [budget.run_id, budgetOf(budget)]));
    return rows.map((row) =>
      runOf(
        row,
        steps.filter((step) => step.run_id === row.id),
        budgetOfRun.get(row.id) ?? null,
      ),
    );
  }

  async function read(id: string): Promise<Run> {
    const [run] = await describe(await database.query(readRuns, [[id]]));
    return run as Run;
  }

  async function get(id: string, principal: Principal): Promise<RunDetail> {
    const [run] = await describe([await find(id, principal)]);
    const tasks = await database.query(readRunTasks, [id, mostTasks]);
    return { ...(run as Run), tasks: tasks.map(taskOf) };
  }

  async function start(request: RunStart, principal: Principal): Promise<Run> {
    mayWrite(principal);
    parse(RunStart, request, "The run");
    const prepared = prepareRun(request);
    const tenant = principal.tenant === "*" ? "default" : principal.tenant;
    const { id, effects } = await database.transaction(async (tx) => {
      const runId = ids.next();
      if (request.idempotencyKey !== undefined) {
        const key = `run:${request.idempotencyKey}`;
        const row = JSON.stringify([{ tenant, key, target_id: runId }]);
        if ((await tx.query(takeKeys, [row, clock.now()])).length === 0) {
          const [known] = await tx.query(readKeys, [tenant, [key]]);
          if (known !== undefined) return { id: known.target_id, effects: [] as Aftermath[] };
        }
      }
      return { id: runId, effects: await startWithin(deps, tx, prepared, { id: runId, tenant }) };
    });
    announceAll(effects);
    return read(id);
  }

  async function refuseReached(id: string, budgetId: string | null): Promise<void> {
    const [budget] = budgetId === null ? [] : await database.query(readBudgets, [[budgetId]]);
    if (budget === undefined || budget.reached === null) return;
    throw new MusterError("not_retryable", describeReached(budget), {
      hint: `Raise its ${budget.reached} first: POST /v1/runs/${id}/resume.`,
    });
  }

  function announceAll(effects: readonly Aftermath[]): void {
    announce({});
    for (const effect of effects) announce(effect);
  }

  /** Moves runs on, one after the other. A run that fails to move is tried again by upkeep. */
  function advance(runIds: readonly string[]): void {
    for (const id of runIds) waiting.add(id);
    if (waiting.size === 0 || stopped) return;
    moving ??= moveOn().finally(() => {
      moving = null;
      advance([]);
    });
  }

  async function moveOn(): Promise<void> {
    for (const id of waiting) {
      waiting.delete(id);
      try {
        announceAll(await database.transaction((tx) => advanceRun(deps, tx, id)));
      } catch (error) {
        log.error({ error, runId: id }, "A run could not move on; upkeep will try again.");
      }
    }
  }

  async function cancel(id: string, principal: Principal): Promise<CancelReport> {
    mayWrite(principal);
    await find(id, principal);
    const error = { code: "cancelled", message: `The run was cancelled by ${principal.name}.` };
    const { ended, aftermath } = await database.transaction(async (tx) => {
      const [run] = await tx.query(lockRun, [id]);
      if (run?.status !== "running") {
        throw new MusterError("not_cancellable", `Run ${id} has already ended: it is ${run?.status}.`);
      }
      return stopRun(tx, id, "cancelled", error, clock.now());
    });
    announceAll([aftermath, { ended: [id] }]);
    return cancelReportOf(ended);
  }

  async function resumeIt(id: string, request: BudgetResume, principal: Principal): Promise<Run> {
    mayWrite(principal);
    const add = parseResume(request);
    await find(id, principal);
    announceAll(await database.transaction((tx) => resume(deps, tx, id, add)));
    return read(id);
  }

  async function retry(id: string, principal: Principal): Promise<Run> {
    mayWrite(principal);
    const { budget_id } = await find(id, principal);
    await refuseReached(id, budget_id);
    const effects = await database.transaction(async (tx) => {
      const routes = await reopen(tx, id, clock.now());
      return [{ ready: routes }, ...(await advanceRun(deps, tx, id))];
    });
    announceAll(effects);
    return read(id);
  }

  const service: RunService = {
    start,
    get,
    cancel,
    retry,
    resume: resumeIt,
    async list(filter, principal) {
      const limit = Math.min(Math.max(1, filter.limit ?? 50), limits.pageSize);
      if (filter.before !== undefined && !isUuid(filter.before)) {
        throw new MusterError("invalid_request", `"${filter.before}" is not an id.`);
      }
      const parameters = [
        principal.tenant,
        filter.status ?? null,
        filter.workflow ?? null,
        filter.before ?? null,
      ];
      const rows = (await database.query(listRuns, [...parameters, limit + 1])) as RunRow[];
      const shown = rows.slice(0, limit);
      const items = await describe(shown);
      return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
    },
    async wait(id, timeoutMs, principal, signal) {
      const wait = waiters.wait(id, Math.min(timeoutMs, limits.longPollMs), signal);
      try {
        const { status, paused_at } = await find(id, principal);
        if (status === "running" && paused_at === null) await wait.over;
      } finally {
        wait.callOff();
      }
      return get(id, principal);
    },
  };

  return {
    service,
    advance,
    /** Runs that a crash left between two steps. */
    async findStalled(): Promise<void> {
      advance((await database.query(stalledRuns, [limits.pageSize])).map((row) => row.run_id));
    },
    async stop(): Promise<void> {
      stopped = true;
      await moving;
    },
  };
}

function mayWrite(principal: Principal): void {
  if (principal.role === "agent")
    throw new MusterError("forbidden", "A key of role agent can't start or change runs.");
}
