import { evaluate, evaluateForEach, evaluateWhen, type Scope, type Workflow } from "@muster/workflow";
import type { Workbench } from "./task-context.ts";

/** Runs a workflow's steps one after the other, in the order of the file, with real expressions and agents. */
export const runWorkflow = async (
  workflow: Workflow,
  inputs: Record<string, unknown>,
  bench: Workbench,
): Promise<{ output: unknown; steps: Scope["steps"] }> => {
  const steps: Scope["steps"] = {};
  const scope: Scope = { inputs, steps, run: { id: "run-1", workflow: workflow.name } };
  for (const step of workflow.steps) {
    if (!evaluateWhen(step, scope)) {
      steps[step.name] = { output: null, status: "skipped" };
      continue;
    }
    const work = (more: Partial<Scope>) =>
      bench.run(step.capability ?? "", evaluate(step.with, { ...scope, ...more })).then(
        (output) => ({ output, status: "completed" }),
        () => ({ output: null, status: "failed" }),
      );
    if (step.forEach === undefined) {
      steps[step.name] = await work({});
      continue;
    }
    const items = evaluateForEach(step, scope);
    const results = await Promise.all(items.map((item, index) => work({ item, index })));
    const status = results.every((result) => result.status === "completed") ? "completed" : "failed";
    steps[step.name] = { output: results.map(({ output }) => output), status };
  }
  return { output: evaluate(workflow.output, scope), steps };
};
