import { MusterError } from "@muster/sdk/protocol";
import type { Queryable } from "../../ports/database.ts";
import { retryByHand } from "../queue/statements/retry-by-hand.ts";
import {
  failedStepTasks,
  lockRun,
  moveSteps,
  readSteps,
  reopenRun,
  type StepRow,
  supersedeTasks,
} from "../queue/statements/runs.ts";
import { workflowOf } from "./advance-run.ts";

/**
 * Opens a run that failed or was cancelled again: the tasks that failed get their attempts back, what completed
 * stays, and everything behind a failed step runs anew, since its inputs change. Answers the routes of the tasks.
 */
export async function reopen(tx: Queryable, runId: string, now: number): Promise<string[]> {
  const [run] = await tx.query(lockRun, [runId]);
  if (run === undefined || (run.status !== "failed" && run.status !== "cancelled")) {
    throw new MusterError(
      "not_retryable",
      `Run ${runId} is ${run?.status}; only a failed or cancelled one can be retried.`,
    );
  }
  const workflow = workflowOf(run);
  const steps = await tx.query(readSteps, [[runId]]);
  const bad = steps.filter((step) => step.status === "failed" || step.status === "cancelled");
  const withTasks = bad.filter((step) => step.failed > 0).map((step) => step.step);
  const behind = descendants(
    bad.map((step) => step.step),
    workflow.steps,
  );
  // A step that needs a yes is asked for anew: its tasks never run without one.
  const gated = new Set(workflow.steps.filter((step) => step.approve !== undefined).map((step) => step.name));
  const again = new Set(withTasks.filter((name) => !behind.has(name) && !gated.has(name)));
  const anew = steps.filter((step) => behind.has(step.step) || (isBad(step) && !again.has(step.step)));
  await tx.query(reopenRun, [runId, now]);
  await tx.query(supersedeTasks, [runId, anew.map((step) => step.step)]);
  const reset = anew.map((step) => ({
    step: step.step,
    status: "pending",
    total: 0,
    output: null,
    reason: null,
  }));
  await tx.query(moveSteps, [runId, now, JSON.stringify(reset)]);
  const tasks = await tx.query(failedStepTasks, [runId, [...again]]);
  const retried = await tx.query(retryByHand, [tasks.map((task) => task.id), now]);
  return retried.map((task) => task.route);
}

const isBad = (step: StepRow): boolean => step.status === "failed" || step.status === "cancelled";

/** Every step that is behind one of these. */
function descendants(roots: readonly string[], steps: readonly { name: string; needs: readonly string[] }[]) {
  const found = new Set<string>();
  let frontier = [...roots];
  while (frontier.length > 0) {
    const next = steps.filter(
      (step) => !found.has(step.name) && step.needs.some((name) => frontier.includes(name)),
    );
    for (const step of next) found.add(step.name);
    frontier = next.map((step) => step.name);
  }
  return found;
}
