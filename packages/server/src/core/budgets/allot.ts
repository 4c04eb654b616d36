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
    const stopping = path.filter((budget) => isSpent(budget, now) && !(candidate.resumed && letsEnd(budget)));
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

/** Whether what began under a budget may be brought to its end although it is reached. */
const letsEnd = (budget: BudgetRow): boolean =>
  budget.on_reached === "skip-rest" && budget.reached !== null && budget.reached !== "time";

/** How many more may be in progress under a budget, by all above it. */
export interface Room {
  most: number;
  /** Only for tasks that began before. */
  begunOnly: boolean;
}

const noRoom: Room = { most: 0, begunOnly: true };

/** What `allot` would let in of that which is held back under a budget. */
export function roomUnder(
  budget: BudgetRow,
  budgets: ReadonlyMap<string, BudgetRow & { active: number | null }>,
  now: number,
): Room {
  const path = budget.path.flatMap((id) => budgets.get(id) ?? []);
  const spent = path.filter((above) => isSpent(above, now));
  if (!spent.every(letsEnd)) return noRoom;
  const rooms = path.map(({ concurrency_limit: limit, active }) =>
    limit === null ? Number.POSITIVE_INFINITY : Math.max(0, limit - (active ?? 0)),
  );
  return { most: Math.min(...rooms), begunOnly: spent.length > 0 };
}
