import type { Queryable } from "../../ports/database.ts";
import type { Aftermath } from "../aftermath.ts";
import { describeReached, reachedError } from "../budgets/describe-budget.ts";
import { cascade } from "../completion/cascade.ts";
import { type BudgetRow, lockBudgets, readBudgets, settleBudgets } from "../queue/statements/budgets.ts";
import { restOfRun } from "../queue/statements/held-tasks.ts";
import { pauseRun, type RunRow } from "../queue/statements/runs.ts";
import { stopRun } from "./stop-run.ts";

/** `go`: nothing is reached. `stand`: no step begins. `skip`: those that have not begun never do. `over`: the run has ended. */
export interface Course {
  course: "go" | "stand" | "skip" | "over";
  /** Why, in words. */
  reason: string;
}

const onwards: Course = { course: "go", reason: "" };

/**
 * Does what follows from the run's budget being reached, as often as it is asked, inside the caller's transaction and under
 * the run's lock. The budget's own lock is taken here, since it comes after the run's and before any task's.
 */
export async function heedBudget(
  tx: Queryable,
  run: RunRow,
  now: number,
  effects: Aftermath[],
): Promise<Course> {
  if (run.budget_id === null) return onwards;
  await tx.query(lockBudgets, [[run.budget_id]]);
  const [budget] = await tx.query(readBudgets, [[run.budget_id]]);
  if (budget === undefined || budget.reached === null) return onwards;
  const course = await follow(tx, run, budget, now, effects);
  if (budget.due) await tx.query(settleBudgets, [[budget.id]]);
  return { course, reason: describeReached(budget) };
}

async function follow(
  tx: Queryable,
  run: RunRow,
  budget: BudgetRow,
  now: number,
  effects: Aftermath[],
): Promise<Course["course"]> {
  const error = reachedError(budget);
  switch (budget.on_reached) {
    case "fail": {
      const { aftermath } = await stopRun(tx, run.id, "failed", error, now);
      effects.push(aftermath, { ended: [run.id] });
      return "over";
    }
    case "pause": {
      const paused = await tx.query(pauseRun, [run.id, now, budget.reached]);
      if (paused.length > 0) effects.push({ ended: [run.id] });
      return "stand";
    }
    case "skip-rest": {
      const rest = await tx.query(restOfRun, [run.id, budget.reached === "time"]);
      const ends = rest.map((task) => ({ id: task.id, status: "cancelled" as const, error }));
      if (ends.length > 0) effects.push((await cascade(tx, ends, now)).aftermath);
      return "skip";
    }
  }
}
