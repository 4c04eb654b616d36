import type { TaskSubmission } from "@muster/sdk/protocol";
import { evaluate, evaluateForEach, evaluateWhen } from "./evaluate.ts";
import type { Scope, WorkflowStep } from "./workflow.ts";

/**
 * The tasks of a step that begins: one, or one per item of its fan-out, perhaps none. Null where its condition is
 * false. Throws `ExpressionError`.
 */
export function tasksOfStep(step: WorkflowStep, scope: Scope): TaskSubmission[] | null {
  if (!evaluateWhen(step, scope)) return null;
  if (step.forEach === undefined) return [taskOf(step, scope)];
  const items = evaluateForEach(step, scope);
  return items.map((item, index) => taskOf(step, { ...scope, item, index }));
}

function taskOf(step: WorkflowStep, scope: Scope): TaskSubmission {
  return {
    input: step.with === undefined ? {} : evaluate(step.with, scope),
    ...(step.capability === undefined ? {} : { capability: step.capability }),
    ...(step.agent === undefined ? {} : { agent: step.agent }),
    ...(step.retry === undefined ? {} : { retry: step.retry }),
    ...(step.timeoutMs === undefined ? {} : { timeoutMs: step.timeoutMs }),
    ...(step.priority === undefined ? {} : { priority: step.priority }),
  };
}
