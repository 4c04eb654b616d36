import type { TaskSubmission } from "@muster/sdk/protocol";
import {
  closeStep,
  decideRun,
  decideSteps,
  ExpressionError,
  readWorkflow,
  type StepMove,
  tasksOfStep,
  type Workflow,
  type WorkflowStep,
} from "@muster/workflow";
import type { Clock } from "../../ports/clock.ts";
import type { Queryable } from "../../ports/database.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Aftermath } from "../aftermath.ts";
import { TasksUsedUp } from "../budgets/charge-tasks.ts";
import { planTasks } from "../intake/plan-tasks.ts";
import type { Submit } from "../intake/submit-tasks.ts";
import { markReached } from "../queue/statements/budgets.ts";
import {
  lockRun,
  moveSteps,
  type RunRow,
  readStepResults,
  readSteps,
  type StepRow,
} from "../queue/statements/runs.ts";
import { putGate } from "./approval-gate.ts";
import { finishRun, scopeOf, statesOf } from "./finish-run.ts";
import { type Course, heedBudget } from "./heed-budget.ts";

export interface AdvanceDependencies {
  clock: Clock;
  ids: Ids;
  submit: Submit;
}

/** What the decisions about one run rest on. */
interface Advance extends AdvanceDependencies {
  tx: Queryable;
  workflow: Workflow;
  run: RunRow;
  rows: Map<string, StepRow>;
  effects: Aftermath[];
  /** Budgets that did not allow the tasks of a step. */
  usedUp: Set<string>;
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
 * have ended are closed, steps that can start do as far as the budget goes, and a run without open steps ends. Called
 * again for nothing, it changes nothing.
 */
export async function advanceRun(
  deps: AdvanceDependencies,
  tx: Queryable,
  runId: string,
): Promise<Aftermath[]> {
  const [run] = await tx.query(lockRun, [runId]);
  if (run === undefined || run.status !== "running") return [];
  const effects: Aftermath[] = [];
  let course = await heedBudget(tx, run, deps.clock.now(), effects);
  if (course.course === "over") return effects;
  const workflow = workflowOf(run);
  const rows = new Map((await tx.query(readSteps, [[runId]])).map((row) => [row.step, row]));
  const advance: Advance = { ...deps, tx, workflow, run, rows, effects, usedUp: new Set() };
  for (;;) {
    const moves = await moveOnce(advance, course);
    if (moves.length > 0) await tx.query(moveSteps, [runId, deps.clock.now(), JSON.stringify(moves)]);
    if (advance.usedUp.size > 0) {
      await markUsedUp(advance);
      course = await heedBudget(tx, run, deps.clock.now(), effects);
      if (course.course === "over") return effects;
    } else if (moves.length === 0) break;
  }
  const verdict = decideRun(workflow, statesOf(rows));
  if (verdict !== null) {
    const partial = course.course === "skip";
    await finishRun(tx, workflow, run, rows, {
      failedStep: verdict.failed,
      partial,
      now: deps.clock.now(),
    });
    effects.push({ ended: [runId] });
  }
  return effects;
}

async function moveOnce(advance: Advance, { course, reason }: Course): Promise<StepMove[]> {
  const closed = await closeSteps(advance, course === "skip");
  if (course === "stand") return closed;
  return [...closed, ...(course === "skip" ? skipSteps(advance, reason) : await openSteps(advance))];
}

async function markUsedUp({ tx, clock, usedUp }: Advance): Promise<void> {
  const marks = [...usedUp].map((id) => ({ id, kind: "tasks" }));
  usedUp.clear();
  await tx.query(markReached, [JSON.stringify(marks), clock.now()]);
}

/** Steps whose last task has ended. */
async function closeSteps({ tx, workflow, run, rows }: Advance, forgiven: boolean): Promise<StepMove[]> {
  const moves: StepMove[] = [];
  for (const step of workflow.steps) {
    const row = rows.get(step.name) as StepRow;
    if (row.status !== "running" || row.completed + row.failed < row.total) continue;
    const results = await tx.query(readStepResults, [run.id, step.name]);
    moves.push(apply(rows, closeStep(step, results, scopeOf(workflow, run, rows), forgiven)));
  }
  return moves;
}

/** Steps that have not begun never do. */
const skipSteps = ({ workflow, rows }: Advance, reason: string): StepMove[] =>
  workflow.steps
    .filter((step) => rows.get(step.name)?.status === "pending")
    .map((step) => apply(rows, { step: step.name, status: "skipped", reason }));

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

async function openSteps(advance: Advance): Promise<StepMove[]> {
  const { workflow, rows } = advance;
  const moves: StepMove[] = [];
  for (const decision of decideSteps(workflow, statesOf(rows))) {
    const { step, next } = decision;
    if (next !== "start") {
      const status = next === "skip" ? "skipped" : "failed";
      moves.push(apply(rows, { step: step.name, status, reason: decision.reason }));
      continue;
    }
    const opened = await open(advance, step);
    if (opened !== null) moves.push(apply(rows, opened));
  }
  return moves;
}

/** Null: the budget does not allow the tasks of the step. */
async function open(advance: Advance, step: WorkflowStep): Promise<StepMove | null> {
  const { tx, workflow, run, rows, clock, ids, submit, effects, usedUp } = advance;
  let submissions: TaskSubmission[] | null;
  try {
    submissions = tasksOfStep(step, scopeOf(workflow, run, rows));
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { step: step.name, status: "failed", reason: error.message };
  }
  if (submissions === null)
    return { step: step.name, status: "skipped", reason: `when: ${step.when} is false` };
  if (submissions.length === 0) return { step: step.name, status: "completed", total: 0, output: [] };
  const budget = run.budget_id === null ? {} : { budgetId: run.budget_id };
  const origin = { tenant: run.tenant, runId: run.id, step: step.name, ...budget };
  let plan: ReturnType<typeof planTasks>;
  try {
    plan = planTasks(submissions, origin, clock.now(), ids);
  } catch (error) {
    return { step: step.name, status: "failed", reason: (error as Error).message };
  }
  for (const [index, task] of plan.tasks.entries())
    task.item_index = step.forEach === undefined ? null : index;
  const total = plan.tasks.length;
  try {
    if (step.approve !== undefined)
      putGate(
        plan,
        step,
        { scope: scopeOf(workflow, run, rows), origin, now: clock.now(), ids },
        submissions,
      );
  } catch (error) {
    return { step: step.name, status: "failed", reason: (error as Error).message };
  }
  try {
    effects.push(...(await submit.submitWithin(tx, plan, origin)).effects);
  } catch (error) {
    if (!(error instanceof TasksUsedUp)) throw error;
    for (const id of error.budgetIds) usedUp.add(id);
    return null;
  }
  return { step: step.name, status: "running", total };
}
