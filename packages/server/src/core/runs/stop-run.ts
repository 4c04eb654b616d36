import type { Queryable } from "../../ports/database.ts";
import { type CascadeResult, cascade } from "../completion/cascade.ts";
import { endRun, moveSteps, openRunTasks, readSteps } from "../queue/statements/runs.ts";

/** Ends a run before its steps do: whatever is open is cancelled. Inside the caller's transaction and under the run's lock. */
export async function stopRun(
  tx: Queryable,
  runId: string,
  status: "failed" | "cancelled",
  error: { code: string; message: string },
  now: number,
): Promise<CascadeResult> {
  const open = await tx.query(openRunTasks, [runId]);
  const ends = open.map((task) => ({ id: task.id, status: "cancelled" as const, error }));
  const result = await cascade(tx, ends, now);
  const steps = (await tx.query(readSteps, [[runId]])).filter(
    (step) => step.status === "pending" || step.status === "running",
  );
  const moves = steps.map(({ step }) => ({ step, status: "cancelled", output: null, reason: error.message }));
  await tx.query(moveSteps, [runId, now, JSON.stringify(moves)]);
  await tx.query(endRun, [runId, now, status, "null", JSON.stringify(error)]);
  return result;
}
