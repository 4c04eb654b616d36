import { evaluate } from "./evaluate.ts";
import type { Scope, Workflow } from "./workflow.ts";

/**
 * What a run gives whose steps have all ended: the workflow's `output`, or without one a member for each step that nobody
 * needs. Throws `ExpressionError`.
 */
export function outputOfRun(workflow: Workflow, scope: Scope): unknown {
  if (workflow.output !== undefined) return evaluate(workflow.output, scope);
  const needed = new Set(workflow.steps.flatMap((step) => step.needs));
  const last = workflow.steps.filter((step) => !needed.has(step.name));
  return Object.fromEntries(last.map(({ name }) => [name, scope.steps[name]?.output ?? null]));
}
