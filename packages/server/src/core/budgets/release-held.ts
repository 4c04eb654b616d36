import type { Queryable } from "../../ports/database.ts";
import { lockBudgets, readTrees } from "../queue/statements/budgets.ts";
import { forgetHeld, releaseHeld } from "../queue/statements/held-tasks.ts";
import { roomUnder } from "./allot.ts";

/** Tasks of one route that are let in by one statement. */
const mostPerRoute = 500;

/**
 * Lets tasks that were held back into the ready order again, as many on each route as there is room for now. Who
 * is leased first is decided when they are claimed. `more`: there may be more of them. Inside the caller's transaction.
 */
export async function releaseWithin(
  tx: Queryable,
  roots: readonly string[],
  now: number,
): Promise<{ routes: string[]; more: boolean }> {
  await tx.query(lockBudgets, [roots]);
  const budgets = await tx.query(readTrees, [roots]);
  const byId = new Map(budgets.map((budget) => [budget.id, budget]));
  const holding = budgets.filter((budget) => budget.holds);
  const empty = roots.filter((root) => !holding.some((budget) => budget.root_id === root));
  if (empty.length > 0) await tx.query(forgetHeld, [empty]);
  const wanted = holding.flatMap((budget) => {
    const { most, begunOnly } = roomUnder(budget, byId, now);
    return most > 0 ? [{ id: budget.id, most: Math.min(mostPerRoute, most), begun_only: begunOnly }] : [];
  });
  if (wanted.length === 0) return { routes: [], more: false };
  const released = await tx.query(releaseHeld, [JSON.stringify(wanted), now]);
  return {
    routes: [...new Set(released.map((task) => task.route))],
    more: released.length >= mostPerRoute,
  };
}
