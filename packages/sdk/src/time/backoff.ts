import type { Random } from "./random.ts";

export interface BackoffOptions {
  /** Delay after the first failure. */
  firstMs: number;
  /** No delay is longer. */
  maxMs: number;
}

/**
 * How long to wait after the `failures`-th failure in a row (1, 2, …): doubling, and spread over the upper
 * half, so that a thousand agents that lost the same server do not all come back in the same instant.
 */
export const backoffMs = (failures: number, { firstMs, maxMs }: BackoffOptions, random: Random): number => {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return full / 2 + (full / 2) * random.next();
};
