import type { Clock } from "../../ports/clock.ts";

/** How long a large count is good for, and how many are kept. */
const goodForMs = 60_000;
const mostKept = 1_000;

/**
 * Counting takes its time where there is much, and what is much a minute ago still is. Counts of more than `many` are kept
 * for a minute; smaller ones are made each time.
 */
export function createKnownCounts(clock: Clock, many: number) {
  const known = new Map<string, { count: number; at: number }>();
  return async function countOf(key: string, count: () => Promise<number>): Promise<number> {
    const before = known.get(key);
    if (before !== undefined && clock.now() < before.at + goodForMs) return before.count;
    const counted = await count();
    known.delete(key);
    if (counted > many) known.set(key, { count: counted, at: clock.now() });
    if (known.size > mostKept) known.delete(known.keys().next().value as string);
    return counted;
  };
}
