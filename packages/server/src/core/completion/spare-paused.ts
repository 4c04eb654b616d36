import type { TaskError } from "@muster/sdk/protocol";
import type { Queryable } from "../../ports/database.ts";
import { findPaused } from "../queue/statements/budgets.ts";
import type { LiveTask } from "../queue/statements/lock-live.ts";
import type { End } from "./cascade.ts";
import type { Outcome, Report, Retry } from "./settle.ts";

/**
 * An attempt that stopped because its budget pauses was none: its task goes back to be made again when the budget goes
 * on, whatever was decided of it before. The budget pauses now, or it did when the attempt was told so: it may have been
 * raised since. Each telling needs a budget that is reached, so an agent can't have attempts for nothing this way.
 */
export async function sparePaused(
  tx: Queryable,
  reports: readonly { task: LiveTask; report: Report }[],
  now: number,
  ends: End[],
  retries: Retry[],
): Promise<void> {
  const stopped = reports.flatMap(({ task, report }) => {
    const error = budgetError(report.outcome);
    return error === null || task.budget_id === null ? [] : [{ ...task, budgetId: task.budget_id, error }];
  });
  if (stopped.length === 0) return;
  const paused = new Set(
    (await tx.query(findPaused, [stopped.map((task) => task.budgetId)])).map((row) => row.id),
  );
  for (const { id, budgetId, told_of_pause, error } of stopped) {
    if (!paused.has(budgetId) && told_of_pause !== true) continue;
    for (const decided of [ends, retries]) {
      const at = decided.findIndex((entry) => entry.id === id);
      if (at >= 0) decided.splice(at, 1);
    }
    retries.push({ id, ready_at: now, error, counted: false, gated: false, fell_back: false });
  }
}

const budgetError = (outcome: Outcome): TaskError | null =>
  outcome.status === "failed" && outcome.error.code === "budget_reached" ? outcome.error : null;
