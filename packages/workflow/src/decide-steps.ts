import type { StepStatus } from "@muster/sdk/protocol";
import type { Workflow, WorkflowStep } from "./workflow.ts";

/** What is known of each step, by name. */
export type StepStates = ReadonlyMap<string, { status: StepStatus; reason: string | null }>;

export type Decision =
  | { step: WorkflowStep; next: "start" }
  | { step: WorkflowStep; next: "skip" | "fail"; reason: string };

const ended: ReadonlySet<StepStatus> = new Set(["completed", "failed", "skipped", "cancelled"]);
const bad: ReadonlySet<StepStatus> = new Set(["failed", "cancelled"]);

/**
 * What to do with the steps that have not started, now that others have ended. Pure: the same states give the
 * same decisions. A step about which nothing can be said yet is not in the answer.
 */
export function decideSteps(workflow: Workflow, states: StepStates): Decision[] {
  return workflow.steps.flatMap((step) => {
    if (states.get(step.name)?.status !== "pending") return [];
    return decide(step, states) ?? [];
  });
}

function decide(step: WorkflowStep, states: StepStates): Decision | null {
  const needs = step.needs.map((name) => ({ name, status: states.get(name)?.status ?? "pending" }));
  const over = needs.every((need) => ended.has(need.status));
  const failed = needs.find((need) => bad.has(need.status));
  const skipped = needs.find((need) => need.status === "skipped");
  switch (step.join) {
    case "settled":
      return over ? { step, next: "start" } : null;
    case "any":
      if (needs.length === 0 || needs.some((need) => need.status === "completed"))
        return { step, next: "start" };
      if (!over) return null;
      return failed === undefined
        ? { step, next: "skip", reason: "all that it needs were skipped" }
        : {
            step,
            next: "fail",
            reason: `none of the steps it needs completed; ${failed.name} ${failed.status}`,
          };
    case "all":
      if (failed !== undefined)
        return { step, next: "fail", reason: `it needs ${failed.name}, which ${failed.status}` };
      if (!over) return null;
      if (skipped !== undefined)
        return { step, next: "skip", reason: `it needs ${skipped.name}, which was skipped` };
      return { step, next: "start" };
  }
}

/** How a run ends, or null while a step is open. */
export function decideRun(workflow: Workflow, states: StepStates): { failed: string | null } | null {
  if (!workflow.steps.every((step) => ended.has(states.get(step.name)?.status ?? "pending"))) return null;
  const culprit = workflow.steps.find(
    (step) => isBad(step.name, states) && !isAbsorbed(step.name, workflow, states),
  );
  return { failed: culprit?.name ?? null };
}

const isBad = (name: string, states: StepStates): boolean => bad.has(states.get(name)?.status ?? "pending");

/**
 * A failure does not fail the run if a step that joins on it with `settled` or `any` completed: somebody dealt
 * with it. A step that failed only because it needed this one hands the question on to its own dependents.
 */
function isAbsorbed(name: string, workflow: Workflow, states: StepStates): boolean {
  const dependents = workflow.steps.filter((step) => step.needs.includes(name));
  return dependents.some((step) => {
    const status = states.get(step.name)?.status;
    if (step.join !== "all")
      return (
        status === "completed" ||
        (status !== undefined && isBad(step.name, states) && isAbsorbed(step.name, workflow, states))
      );
    return isBad(step.name, states) && isAbsorbed(step.name, workflow, states);
  });
}
