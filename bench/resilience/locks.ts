import { randomUUID } from "node:crypto";
import { createLockHands } from "@muster/sdk";
import type { Orchestrator } from "../../packages/server/src/core/orchestrator.ts";
import { someone } from "../../packages/server/src/test/orchestrate.ts";
import type { Figure } from "./run.ts";

/** Those who want the lock at once; one has it, the others stand in line. */
const waiters = 10;

/**
 * A lock goes from hand to hand along a line, from one node to the other. Taken is the time from when its holder lets
 * go until the next one knows that it has it.
 */
export async function measureLocks(nodes: readonly Orchestrator[], handOvers: number): Promise<Figure[]> {
  const taken: number[] = [];
  let releasedAt: number | null = null;
  let left = handOvers + waiters;
  const work = async (n: number): Promise<void> => {
    const access = (nodes[n % nodes.length] as Orchestrator).locks.of(someone);
    const hands = createLockHands(access, randomUUID);
    while (left-- > 0) {
      const lock = await hands.acquire("bench", { ttlMs: 60_000, waitMs: 60_000 });
      if (lock === null) throw new Error("Nobody let go of the lock.");
      if (releasedAt !== null) taken.push(performance.now() - releasedAt);
      // The moment before it is let go: what that takes is part of handing over.
      releasedAt = performance.now();
      await lock.release();
    }
  };
  await Promise.all(Array.from({ length: waiters }, (_, n) => work(n)));
  const sorted = taken.slice(waiters).sort((a, b) => a - b);
  const quantile = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)] as number;
  return [
    { name: `lock handed over, p50 of ${sorted.length}`, value: quantile(0.5), unit: "ms", target: "" },
    { name: "lock handed over, p99", value: quantile(0.99), unit: "ms", target: "≤ 20" },
  ];
}
