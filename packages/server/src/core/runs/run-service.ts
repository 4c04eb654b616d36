import {
  type CancelReport,
  type ErrorCode,
  limits,
  MusterError,
  type Run,
  type RunDetail,
  RunStart,
  type RunStatus,
  type StepStatus,
} from "@muster/sdk/protocol";
import { checkInputs, readWorkflow, type Workflow, type WorkflowProblem } from "@muster/workflow";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Log } from "../../ports/log.ts";
import type { Aftermath, Announce } from "../aftermath.ts";
import { cascade } from "../completion/cascade.ts";
import type { Waiters } from "../events/waiters.ts";
import type { Submit } from "../intake/submit-tasks.ts";
import type { Principal, RunService } from "../orchestrator.ts";
import { readRunTasks } from "../queue/statements/read-tasks.ts";
import {
  endRun,
  listRuns,
  lockRun,
  moveSteps,
  openRunTasks,
  type RunRow,
  readRuns,
  readSteps,
  type StepRow,
  stalledRuns,
  startRun,
} from "../queue/statements/runs.ts";
import { readKeys, takeKeys } from "../queue/statements/submission.ts";
import { isoTime, isoTimeOrNull, taskOf } from "../task-view.ts";
import { cancelReportOf } from "../tasks/cancel-report.ts";
import { isUuid, parse, payloadText } from "../validate.ts";
import { advanceRun } from "./advance-run.ts";
import { reopen } from "./retry-run.ts";

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

  async function get(id: string, principal: Principal): Promise<RunDetail> {
    const row = await find(id, principal);
    const steps = await database.query(readSteps, [[id]]);
    const tasks = await database.query(readRunTasks, [id, mostTasks]);
    return { ...runOf(row, steps), tasks: tasks.map(taskOf) };
  }

  async function start(request: RunStart, principal: Principal): Promise<Run> {
    mayWrite(principal);
    parse(RunStart, request, "The run");
    const { workflow, problems } = readWorkflow(request.workflow);
    if (workflow === undefined || problems.length > 0)
      throw refusal("invalid_workflow", "The workflow", problems);
    const checked = checkInputs(workflow, request.inputs ?? {});
    if (checked.problems.length > 0) throw refusal("invalid_input", "The inputs", checked.problems);
    const tenant = principal.tenant === "*" ? "default" : principal.tenant;
    const document = payloadText(request.workflow, "The workflow");
    const inputs = payloadText(checked.inputs, "The inputs");
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
      await tx.query(startRun, [
        runId,
        tenant,
        workflow.name,
        document,
        inputs,
        clock.now(),
        stepsText(workflow),
      ]);
      return { id: runId, effects: await advanceRun(deps, tx, runId) };
    });
    announceAll(effects);
    const [row] = await database.query(readRuns, [[id]]);
    return runOf(row as RunRow, await database.query(readSteps, [[id]]));
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
      const open = await tx.query(openRunTasks, [id]);
      const result = await cascade(
        tx,
        open.map((task) => ({ id: task.id, status: "cancelled" as const, error })),
        clock.now(),
      );
      const steps = (await tx.query(readSteps, [[id]])).filter(
        (s) => s.status === "pending" || s.status === "running",
      );
      const moves = steps.map((s) => ({
        step: s.step,
        status: "cancelled",
        output: null,
        reason: error.message,
      }));
      await tx.query(moveSteps, [id, clock.now(), JSON.stringify(moves)]);
      await tx.query(endRun, [id, clock.now(), "cancelled", "null", JSON.stringify(error)]);
      return result;
    });
    announceAll([aftermath, { ended: [id] }]);
    return cancelReportOf(ended);
  }

  async function retry(id: string, principal: Principal): Promise<Run> {
    mayWrite(principal);
    await find(id, principal);
    const effects = await database.transaction(async (tx) => {
      const routes = await reopen(tx, id, clock.now());
      return [{ ready: routes }, ...(await advanceRun(deps, tx, id))];
    });
    announceAll(effects);
    const [row] = await database.query(readRuns, [[id]]);
    return runOf(row as RunRow, await database.query(readSteps, [[id]]));
  }

  const service: RunService = {
    start,
    get,
    cancel,
    retry,
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
      const steps = await database.query(readSteps, [shown.map((row) => row.id)]);
      const items = shown.map((row) =>
        runOf(
          row,
          steps.filter((step) => step.run_id === row.id),
        ),
      );
      return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
    },
    async wait(id, timeoutMs, principal, signal) {
      const wait = waiters.wait(id, Math.min(timeoutMs, limits.longPollMs), signal);
      try {
        if ((await find(id, principal)).status === "running") await wait.over;
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

const stepsText = (workflow: Workflow): string =>
  JSON.stringify(
    workflow.steps.map((step, position) => ({
      step: step.name,
      position,
      capability: step.capability ?? null,
    })),
  );

function refusal(code: ErrorCode, what: string, problems: readonly WorkflowProblem[]): MusterError {
  const first = problems[0];
  const place = first?.path ? `${first.path}: ` : "";
  return new MusterError(code, `${what} can't be used: ${place}${first?.message}`, {
    ...(first?.hint === undefined ? {} : { hint: first.hint }),
    errors: problems.map(({ path, message }) => ({ path, message })),
  });
}

function runOf(row: RunRow, steps: readonly StepRow[]): Run {
  return {
    id: row.id,
    workflow: row.workflow,
    status: row.status as RunStatus,
    tenant: row.tenant,
    inputs: row.inputs,
    output: row.output,
    error: row.error,
    steps: steps.map((step) => ({
      name: step.step,
      status: step.status as StepStatus,
      capability: step.capability,
      tasks: { total: step.total, completed: step.completed, failed: step.failed },
      reason: step.reason,
    })),
    createdAt: isoTime(row.created_at),
    finishedAt: isoTimeOrNull(row.ended_at),
  };
}
