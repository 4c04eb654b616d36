import type { StepStatus, TaskSubmission } from "@muster/sdk/protocol";
import {
  ExpressionError,
  evaluate,
  evaluateForEach,
  evaluateWhen,
  readWorkflow,
  type Scope,
  type Workflow,
  type WorkflowStep,
} from "@muster/workflow";
import type { Clock } from "../../ports/clock.ts";
import type { Queryable } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Aftermath } from "../aftermath.ts";
import { planTasks } from "../intake/plan-tasks.ts";
import type { Submit } from "../intake/submit-tasks.ts";
import {
  endRun,
  lockRun,
  moveSteps,
  type RunRow,
  readStepResults,
  readSteps,
  type StepRow,
} from "../queue/statements/runs.ts";
import { decideRun, decideSteps } from "./decide.ts";

export interface AdvanceDependencies {
  clock: Clock;
  ids: Ids;
  submit: Submit;
}

interface StepMove {
  step: string;
  status: StepStatus;
  total?: number;
  output?: unknown;
  reason?: string | null;
}

/** The workflow of a stored run. It was checked when the run started, so a mistake here is ours. */
export function workflowOf(run: RunRow): Workflow {
  const { workflow, problems } = readWorkflow(run.document);
  if (workflow === undefined)
    throw new Error(`The workflow of run ${run.id} no longer reads: ${problems[0]?.message}`);
  return workflow;
}

/**
 * Moves a run on as far as it goes, inside the caller's transaction and under the run's lock: steps whose tasks
 * have ended are closed, steps that can start do, and a run without open steps ends. Called again for nothing,
 * it changes nothing.
 */
export async function advanceRun(
  deps: AdvanceDependencies,
  tx: Queryable,
  runId: string,
): Promise<Aftermath[]> {
  const [run] = await tx.query(lockRun, [runId]);
  if (run === undefined || run.status !== "running") return [];
  const workflow = workflowOf(run);
  const rows = new Map((await tx.query(readSteps, [[runId]])).map((row) => [row.step, row]));
  const effects: Aftermath[] = [];
  for (;;) {
    const moves = [
      ...(await closeSteps(tx, workflow, run, rows)),
      ...(await openSteps(deps, tx, workflow, run, rows, effects)),
    ];
    if (moves.length === 0) break;
    await tx.query(moveSteps, [runId, deps.clock.now(), JSON.stringify(moves)]);
  }
  const verdict = decideRun(workflow, statesOf(rows));
  if (verdict !== null) {
    await finish(deps, tx, workflow, run, rows, verdict.failed);
    effects.push({ ended: [runId] });
  }
  return effects;
}

const statesOf = (rows: ReadonlyMap<string, StepRow>) =>
  new Map([...rows].map(([name, row]) => [name, { status: row.status as StepStatus, reason: row.reason }]));

function scopeOf(workflow: Workflow, run: RunRow, rows: ReadonlyMap<string, StepRow>): Scope {
  const steps = [...rows].map(
    ([name, row]) => [name, { output: row.output ?? null, status: row.status }] as const,
  );
  return {
    inputs: run.inputs,
    steps: Object.fromEntries(steps),
    run: { id: run.id, workflow: workflow.name },
  };
}

/** Steps whose last task has ended: their outputs come together. */
async function closeSteps(tx: Queryable, workflow: Workflow, run: RunRow, rows: Map<string, StepRow>) {
  const moves: StepMove[] = [];
  for (const step of workflow.steps) {
    const row = rows.get(step.name) as StepRow;
    if (row.status !== "running" || row.completed + row.failed < row.total) continue;
    const results = await tx.query(readStepResults, [run.id, step.name]);
    const outputs = results.map((result) => (result.status === "completed" ? result.output : null));
    const move = closed(step, outputs, results, scopeOf(workflow, run, rows));
    moves.push(apply(rows, move));
  }
  return moves;
}

function closed(
  step: WorkflowStep,
  outputs: unknown[],
  results: { id: string; status: string; error: { code: string; message: string } | null }[],
  scope: Scope,
): StepMove {
  const failed = results.filter((result) => result.status !== "completed");
  const result = step.forEach === undefined ? (outputs[0] ?? null) : outputs;
  const first = failed[0];
  if (first !== undefined && step.forEach === undefined) {
    return {
      step: step.name,
      status: "failed",
      output: null,
      reason: `${first.error?.code}: ${first.error?.message}`,
    };
  }
  const reason =
    first === undefined
      ? null
      : `${failed.length} of ${results.length} tasks failed, the first with ${first.error?.code}: ${first.error?.message}`;
  try {
    const output = step.output === undefined ? result : evaluate(step.output, { ...scope, result });
    return { step: step.name, status: first === undefined ? "completed" : "failed", output, reason };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { step: step.name, status: "failed", output: null, reason: `output: ${error.message}` };
  }
}

/** Notes a move in the rows at hand, so that later decisions see it. */
function apply(rows: Map<string, StepRow>, move: StepMove): StepMove {
  const row = rows.get(move.step) as StepRow;
  rows.set(move.step, {
    ...row,
    status: move.status,
    total: move.total ?? row.total,
    output: move.output ?? null,
    reason: move.reason ?? null,
  });
  return move;
}

async function openSteps(
  deps: AdvanceDependencies,
  tx: Queryable,
  workflow: Workflow,
  run: RunRow,
  rows: Map<string, StepRow>,
  effects: Aftermath[],
): Promise<StepMove[]> {
  const moves: StepMove[] = [];
  for (const decision of decideSteps(workflow, statesOf(rows))) {
    const { step, next } = decision;
    if (next !== "start") {
      const status = next === "skip" ? "skipped" : "failed";
      moves.push(apply(rows, { step: step.name, status, reason: decision.reason }));
      continue;
    }
    moves.push(apply(rows, await open(deps, tx, step, run, scopeOf(workflow, run, rows), effects)));
  }
  return moves;
}

async function open(
  deps: AdvanceDependencies,
  tx: Queryable,
  step: WorkflowStep,
  run: RunRow,
  scope: Scope,
  effects: Aftermath[],
): Promise<StepMove> {
  let submissions: TaskSubmission[] | null;
  try {
    submissions = submissionsOf(step, scope);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { step: step.name, status: "failed", reason: error.message };
  }
  if (submissions === null)
    return { step: step.name, status: "skipped", reason: `when: ${step.when} is false` };
  if (submissions.length === 0) return { step: step.name, status: "completed", total: 0, output: [] };
  const origin = { tenant: run.tenant, runId: run.id, step: step.name };
  let plan: ReturnType<typeof planTasks>;
  try {
    plan = planTasks(submissions, origin, deps.clock.now(), deps.ids);
  } catch (error) {
    return { step: step.name, status: "failed", reason: (error as Error).message };
  }
  for (const [index, task] of plan.tasks.entries())
    task.item_index = step.forEach === undefined ? null : index;
  effects.push(...(await deps.submit.submitWithin(tx, plan, origin)).effects);
  return { step: step.name, status: "running", total: plan.tasks.length };
}

/** The tasks of a step; null where its condition is false. */
function submissionsOf(step: WorkflowStep, scope: Scope): TaskSubmission[] | null {
  if (!evaluateWhen(step, scope)) return null;
  if (step.forEach === undefined) return [submissionOf(step, scope)];
  const items = evaluateForEach(step, scope);
  return items.map((item, index) => submissionOf(step, { ...scope, item, index }));
}

function submissionOf(step: WorkflowStep, scope: Scope): TaskSubmission {
  return {
    input: step.with === undefined ? {} : evaluate(step.with, scope),
    ...(step.capability === undefined ? {} : { capability: step.capability }),
    ...(step.agent === undefined ? {} : { agent: step.agent }),
    ...(step.retry === undefined ? {} : { retry: step.retry }),
    ...(step.timeoutMs === undefined ? {} : { timeoutMs: step.timeoutMs }),
    ...(step.priority === undefined ? {} : { priority: step.priority }),
  };
}

async function finish(
  deps: AdvanceDependencies,
  tx: Queryable,
  workflow: Workflow,
  run: RunRow,
  rows: ReadonlyMap<string, StepRow>,
  failedStep: string | null,
): Promise<void> {
  let status = failedStep === null ? "completed" : "failed";
  let error =
    failedStep === null
      ? null
      : { code: "step_failed", message: `Step ${failedStep} failed: ${rows.get(failedStep)?.reason}` };
  let output: unknown = null;
  try {
    output = outputOf(workflow, run, rows);
  } catch (cause) {
    if (!(cause instanceof ExpressionError)) throw cause;
    // A failed run may lack what its output is made of; that is no second failure.
    error ??= { code: "invalid_output", message: `The workflow's output can't be made: ${cause.message}` };
    status = "failed";
  }
  const now = deps.clock.now();
  await tx.query(endRun, [
    run.id,
    now,
    status,
    JSON.stringify(output),
    error === null ? null : JSON.stringify(error),
  ]);
}

function outputOf(workflow: Workflow, run: RunRow, rows: ReadonlyMap<string, StepRow>): unknown {
  if (workflow.output !== undefined) return evaluate(workflow.output, scopeOf(workflow, run, rows));
  const needed = new Set(workflow.steps.flatMap((step) => step.needs));
  const last = workflow.steps.filter((step) => !needed.has(step.name));
  return Object.fromEntries(last.map((step) => [step.name, rows.get(step.name)?.output ?? null]));
}
