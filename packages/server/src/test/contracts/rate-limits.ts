import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RateLimits } from "../../ports/rate-limits.ts";

/** Two nodes that count together. Where there is but one node, it may be given twice. */
export type MakeRateLimits = () => [RateLimits, RateLimits] | Promise<[RateLimits, RateLimits]>;

/** What all rate limits must do, wherever they count. */
export function describeRateLimitsContract(name: string, makeAdapter: MakeRateLimits): void {
  describe(`${name} as rate limits`, () => {
    const minute = (points: number) => ({ points, perMs: 60_000 });
    let node: RateLimits;
    let otherNode: RateLimits;

    beforeEach(async () => {
      [node, otherNode] = await makeAdapter();
    });
    afterEach(async () => {
      await node.close();
      await otherNode.close();
    });

    test("let through as much as is allowed, over all nodes, and say when to come back", async () => {
      expect(await node.take("a", minute(2))).toEqual({ allowed: true, remaining: 1, retryAfterMs: 0 });
      expect(await otherNode.take("a", minute(2))).toEqual({ allowed: true, remaining: 0, retryAfterMs: 0 });
      for (const each of [node, otherNode, node]) {
        const refused = await each.take("a", minute(2));
        expect(refused).toMatchObject({ allowed: false, remaining: 0 });
        expect(refused.retryAfterMs).toBeGreaterThan(50_000);
        expect(refused.retryAfterMs).toBeLessThanOrEqual(60_000);
      }
    });

    test("count together what is taken at once", async () => {
      const asked = Array.from({ length: 40 }, (_, index) =>
        (index % 2 ? node : otherNode).take("a", minute(7)),
      );
      expect((await Promise.all(asked)).filter(({ allowed }) => allowed)).toHaveLength(7);
    });

    test("count each key and each window for itself", async () => {
      await node.take("a", minute(1));
      expect((await node.take("b", minute(1))).allowed).toBe(true);
      expect((await node.take("a", { points: 1, perMs: 30_000 })).allowed).toBe(true);
      expect((await node.take("a", minute(1))).allowed).toBe(false);
    });

    test("take several points whole or not at all", async () => {
      expect(await node.take("a", minute(5), 3)).toMatchObject({ allowed: true, remaining: 2 });
      expect(await node.take("a", minute(5), 3)).toMatchObject({ allowed: false, remaining: 2 });
      expect(await node.take("a", minute(5), 2)).toMatchObject({ allowed: true, remaining: 0 });
      expect(await node.take("b", minute(5), 6)).toMatchObject({ allowed: false, remaining: 5 });
    });

    test("can be looked at without taking anything", async () => {
      for (let looks = 0; looks < 5; looks++) {
        expect(await node.take("a", minute(2), 0)).toEqual({ allowed: true, remaining: 2, retryAfterMs: 0 });
      }
      await node.take("a", minute(2), 2);
      expect(await otherNode.take("a", minute(2), 0)).toMatchObject({ allowed: false, remaining: 0 });
    });

    test("begin anew when the window ends, and what was refused does not prolong it", async () => {
      const limit = { points: 1, perMs: 150 };
      expect((await node.take("a", limit)).allowed).toBe(true);
      expect((await node.take("a", limit)).allowed).toBe(false);
      await expect.poll(async () => (await otherNode.take("a", limit)).allowed, { interval: 10 }).toBe(true);
    });
  });
}
