import type { BudgetRow } from "../queue/statements/budgets.ts";

/** A task that could be handed out now, as far as agents go. */
export interface Candidate {
  taskId: string;
  budgetId: string;
  /** It began before, and goes on. */
  resumed: boolean;
}

export interface Allotment<T> {
  allowed: T[];
  /** Those for which a budget has no room. */
  held: T[];
  /** Reached budgets under which there is work that must not wait. */
  stopped: Set<string>;
}

/** Whether nothing may be handed out under a budget. */
const isSpent = (budget: BudgetRow, now: number): boolean =>
  budget.reached !== null || (budget.ends_at !== null && budget.ends_at <= now);

/**
 * Which tasks may be handed out, the first come first: those under budgets none of which is reached, and each of which
 * has room for one more in progress. Where the rest is skipped, what began may be brought to its end.
 */
export function allot<T extends Candidate>(
  candidates: readonly T[],
  budgets: ReadonlyMap<string, BudgetRow>,
  active: Map<string, number>,
  now: number,
): Allotment<T> {
  const allotment: Allotment<T> = { allowed: [], held: [], stopped: new Set() };
  for (const candidate of candidates) {
    const path = (budgets.get(candidate.budgetId)?.path ?? []).flatMap((id) => budgets.get(id) ?? []);
    const stopping = path.filter((budget) => isSpent(budget, now) && !mayEnd(budget, candidate));
    for (const { id, reached, on_reached } of stopping) {
      if (reached !== null && on_reached !== "pause") allotment.stopped.add(id);
    }
    const full = path.some(
      ({ id, concurrency_limit: most }) => most !== null && (active.get(id) ?? 0) >= most,
    );
    if (stopping.length > 0 || full) {
      allotment.held.push(candidate);
      continue;
    }
    for (const { id } of path) active.set(id, (active.get(id) ?? 0) + 1);
    allotment.allowed.push(candidate);
  }
  return allotment;
}

const mayEnd = (budget: BudgetRow, { resumed }: Candidate): boolean =>
  resumed && budget.on_reached === "skip-rest" && budget.reached !== null && budget.reached !== "time";

/** How many more may be in progress under a budget, by all above it; none where one is reached. */
export function roomUnder(
  budget: BudgetRow,
  budgets: ReadonlyMap<string, BudgetRow & { active: number | null }>,
  now: number,
): number {
  let room = Number.POSITIVE_INFINITY;
  for (const id of budget.path) {
    const above = budgets.get(id);
    if (above === undefined) continue;
    if (isSpent(above, now)) return 0;
    if (above.concurrency_limit !== null)
      room = Math.min(room, above.concurrency_limit - (above.active ?? 0));
  }
  return Math.max(0, room);
}
