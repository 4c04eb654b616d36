import { type BudgetLimits, MusterError } from "@muster/sdk/protocol";
import type { Queryable } from "../../ports/database.ts";
import type { Aftermath } from "../aftermath.ts";
import { raise } from "../budgets/raise-budget.ts";
import { releaseWithin } from "../budgets/release-held.ts";
import { lockRun, resumeRun } from "../queue/statements/runs.ts";
import { type AdvanceDependencies, advanceRun } from "./advance-run.ts";
import { reopen } from "./retry-run.ts";

/**
 * Raises the budget of a run and lets the run go on, inside the caller's transaction. One that failed because its budget
 * was reached is opened again.
 */
export async function resume(
  deps: AdvanceDependencies,
  tx: Queryable,
  runId: string,
  add: BudgetLimits,
): Promise<Aftermath[]> {
  const now = deps.clock.now();
  const [run] = await tx.query(lockRun, [runId]);
  const failed = run?.status === "failed" && run.error?.code === "budget_reached";
  if (run === undefined || (run.status !== "running" && !failed))
    throw new MusterError("conflict", `Run ${runId} has ended: it is ${run?.status}.`);
  if (run.budget_id === null)
    throw new MusterError("conflict", `Run ${runId} has no budget, so it is not paused.`);
  const { dueAt } = await raise(tx, run.budget_id, add, now);
  const reopened = failed ? await reopen(tx, runId, now) : [];
  await tx.query(resumeRun, [runId, now, JSON.stringify(add)]);
  const { routes } = await releaseWithin(tx, [run.budget_id], now);
  const after = await advanceRun(deps, tx, runId);
  return [{ ready: [...routes, ...reopened], dueAt, budgets: [run.budget_id] }, ...after];
}
