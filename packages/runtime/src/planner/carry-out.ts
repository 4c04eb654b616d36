import { compileCheck, MusterError, type TaskContext, type TaskSubmission } from "@muster/sdk";
import {
  closeStep,
  decideRun,
  decideSteps,
  ExpressionError,
  evaluate,
  outputOfRun,
  type Scope,
  type StepMove,
  tasksOfStep,
  type Workflow,
  type WorkflowStep,
} from "@muster/workflow";
import type { Offer } from "./find-offers.ts";
import { type Goal, goalCapability } from "./goal.ts";

/** A step that is done, with what it gave and how it was written. */
export interface FinishedStep {
  capability: string;
  output: unknown;
  definition: unknown;
}
export type FinishedSteps = ReadonlyMap<string, FinishedStep>;

export interface Failure {
  step: string;
  capability: string;
  reason: string;
}

export interface Carried {
  /** Undefined: it went well. */
  failure: { failures: Failure[]; isFinal: boolean } | undefined;
  output: unknown;
  finished: FinishedSteps;
  steps: { name: string; status: StepMove["status"]; reason: string | null }[];
}

export interface Carrying {
  goal: Goal;
  /** Counts the plans of this goal, from 0: it names the sub-tasks. */
  number: number;
  workflow: Workflow;
  document: Record<string, unknown>;
  offers: readonly Offer[];
  finished: FinishedSteps;
}

export type CarryContext = Pick<TaskContext, "taskId" | "runId" | "delegateAll" | "approve" | "progress">;

interface Row {
  status: StepMove["status"];
  output: unknown;
  reason: string | null;
}

/** Errors of a hand-over that say something of the step; all others are those of the attempt. */
const refusals: ReadonlySet<string> = new Set([
  "invalid_input",
  "invalid_request",
  "limit_exceeded",
  "not_found",
]);
/** After these another plan would fail in the same way. */
const finalCodes: ReadonlySet<string> = new Set(["budget_reached"]);

/**
 * Carries a plan out as the task's own sub-tasks, so that its budget, its depth and its cancel are those of the task.
 * The rules are those of runs, from the same functions. Sub-tasks are named by plan and step: a later attempt meets
 * what the one before it handed out.
 */
export const carryOut = async (context: CarryContext, carrying: Carrying): Promise<Carried> => {
  const { workflow, finished } = carrying;
  const rows = new Map<string, Row>(
    workflow.steps.map(({ name }) => {
      const done = finished.get(name);
      return [name, { status: done ? "completed" : "pending", output: done?.output ?? null, reason: null }];
    }),
  );
  const running = new Map<string, Promise<void>>();
  const codes = new Set<string>();
  const fresh = workflow.steps.length - finished.size;
  const apply = (move: StepMove): void => {
    rows.set(move.step, { status: move.status, output: move.output ?? null, reason: move.reason ?? null });
    const over = [...rows.values()].filter(({ status }) => isOver(status)).length - finished.size;
    context.progress(over / Math.max(1, fresh), `${over} of ${fresh} steps`);
  };
  for (;;) {
    const decisions = decideSteps(workflow, rows);
    for (const decision of decisions) {
      const { step } = decision;
      if (decision.next !== "start") {
        const status = decision.next === "skip" ? "skipped" : "failed";
        apply({ step: step.name, status, reason: decision.reason });
        continue;
      }
      rows.set(step.name, { status: "running", output: null, reason: null });
      const work = performStep(context, carrying, step, scopeOf(context, carrying, rows), codes).then(
        (move) => {
          running.delete(step.name);
          apply(move);
        },
      );
      work.catch(() => undefined);
      running.set(step.name, work);
    }
    if (decisions.length > 0) continue;
    if (running.size === 0) break;
    await Promise.race(running.values());
  }
  return outcomeOf(carrying, rows, scopeOf(context, carrying, rows), codes);
};

const isOver = (status: string): boolean => status !== "pending" && status !== "running";

const scopeOf = (
  { runId, taskId }: CarryContext,
  { goal, workflow }: Carrying,
  rows: Map<string, Row>,
): Scope => ({
  inputs: goal.inputs,
  steps: Object.fromEntries([...rows].map(([name, { output, status }]) => [name, { output, status }])),
  run: { id: runId ?? taskId, workflow: workflow.name },
});

const performStep = async (
  context: CarryContext,
  carrying: Carrying,
  step: WorkflowStep,
  scope: Scope,
  codes: Set<string>,
): Promise<StepMove> => {
  const failed = (reason: string): StepMove => ({ step: step.name, status: "failed", reason });
  try {
    const tasks = tasksOfStep(step, scope);
    if (tasks === null) return { step: step.name, status: "skipped", reason: `when: ${step.when} is false` };
    if (tasks.length === 0) return { step: step.name, status: "completed", output: [] };
    const { goal, number } = carrying;
    if (tasks.length > goal.limits.fanOut)
      return failed(`its for-each gives ${tasks.length} items, and ${goal.limits.fanOut} are the most`);
    const fault = inputFault(tasks, carrying.offers, step);
    if (fault !== undefined) return failed(fault);
    const refused = await refusedBy(context, carrying, step, scope, tasks.length);
    if (refused !== undefined) return failed(refused);
    const named = tasks.map((task) => bounded({ ...task, name: step.name }, goal));
    const results = await context.delegateAll(named, { key: `plan:${number}:${step.name}` });
    for (const { error } of results) if (error !== null) codes.add(error.code);
    return closeStep(step, results, scope, false);
  } catch (error) {
    if (error instanceof ExpressionError) return failed(error.message);
    if (error instanceof MusterError && refusals.has(error.code))
      return failed(`${error.code}: ${error.message}`);
    throw error;
  }
};

/** The inputs against the schema that the plan was made with: the same verdict in every attempt. */
const inputFault = (
  tasks: readonly TaskSubmission[],
  offers: readonly Offer[],
  { capability }: WorkflowStep,
): string | undefined => {
  const schema = offers.find((offer) => offer.capability === capability)?.inputSchema;
  if (schema === undefined) return undefined;
  const check = compileCheck(schema, `The input schema of ${capability}`);
  for (const { input } of tasks) {
    const fault = check(input);
    if (fault !== undefined)
      return `invalid_input: its input breaks the schema of ${capability}: ${fault.message}`;
  }
  return undefined;
};

/** A step that a person has to agree to; undefined where nothing stands in its way. */
const refusedBy = async (
  context: CarryContext,
  { number }: Carrying,
  { name, approve, capability }: WorkflowStep,
  scope: Scope,
  count: number,
): Promise<string | undefined> => {
  if (approve === undefined) return undefined;
  const { question, to, remindMs, expireMs } = approve;
  const tasks = count === 1 ? "one task" : `${count} tasks`;
  const plain = `May step ${name} of ${scope.run.workflow} run (${tasks} for ${capability})?`;
  const { approved, reason } = await context.approve(
    question === undefined ? plain : String(evaluate(question, scope)),
    {
      key: `plan:${number}:${name}:approve`,
      ...(to === undefined ? {} : { to }),
      ...(remindMs === undefined ? {} : { remindMs }),
      ...(expireMs === undefined ? {} : { expireMs }),
    },
  );
  return approved ? undefined : `a person said no${reason === undefined ? "" : `: ${reason}`}`;
};

/** A goal within a goal asks whoever this one asks, and goes one level less deep, whatever the model wrote. */
const bounded = (task: TaskSubmission, { approve, limits }: Goal): TaskSubmission => {
  if (task.capability !== goalCapability) return task;
  const input = task.input as Record<string, unknown>;
  return { ...task, input: { ...input, approve, limits: { ...limits, depth: limits.depth - 1 } } };
};

const outcomeOf = (
  { workflow, document, finished: before }: Carrying,
  rows: ReadonlyMap<string, Row>,
  scope: Scope,
  codes: ReadonlySet<string>,
): Carried => {
  const definitions = document.steps as Record<string, unknown>;
  const finished = new Map(before);
  const failures: Failure[] = [];
  for (const { name, capability = "" } of workflow.steps) {
    const { status, output, reason } = rows.get(name)!;
    if (status === "completed") finished.set(name, { capability, output, definition: definitions[name] });
    if (status === "failed" && !isFollowed(reason))
      failures.push({ step: name, capability, reason: reason ?? "" });
  }
  const steps = [...rows].map(([name, { status, reason }]) => ({ name, status, reason }));
  const isFinal = [...codes].some((code) => finalCodes.has(code));
  const verdict = decideRun(workflow, rows);
  if (verdict !== null && verdict.failed !== null)
    return { failure: { failures, isFinal }, output: null, finished, steps };
  try {
    return { failure: undefined, output: outputOfRun(workflow, scope), finished, steps };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const own = { step: "output", capability: "", reason: `the output can't be made: ${error.message}` };
    return { failure: { failures: [own], isFinal: false }, output: null, finished, steps };
  }
};

/** It failed only because of another one, which is told by itself. */
const isFollowed = (reason: string | null): boolean => /^(it needs|none of the steps) /.test(reason ?? "");
