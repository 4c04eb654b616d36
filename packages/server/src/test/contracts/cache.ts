import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Cache } from "../../ports/cache.ts";

/** Two nodes that share one cache. Where there is but one node, it may be given twice. */
export type MakeCache = () => [Cache, Cache] | Promise<[Cache, Cache]>;

const minute = 60_000;

/** What every cache must do, whatever is behind it. */
export function describeCacheContract(name: string, makeAdapter: MakeCache): void {
  describe(`${name} as a cache`, () => {
    let node: Cache;
    let otherNode: Cache;

    beforeEach(async () => {
      [node, otherNode] = await makeAdapter();
    });
    afterEach(async () => {
      await node.close();
      await otherNode.close();
    });

    test("gives every node what one of them set", async () => {
      const value = { text: "é✓", list: [1, null, { deep: true }], none: null };
      await node.set("a", value, minute);
      expect(await otherNode.get("a")).toEqual(value);
      expect(await otherNode.get("b")).toBeUndefined();
      await otherNode.set("a", null, minute);
      expect(await node.get("a")).toBeNull();
    });

    test("forgets what was deleted, and what is over", async () => {
      await node.set("a", 1, minute);
      await node.set("b", 2, 60);
      await otherNode.delete("a");
      await otherNode.delete("a");
      expect(await node.get("a")).toBeUndefined();
      await expect.poll(() => node.get("b"), { interval: 10 }).toBeUndefined();
    });

    test("hands out copies", async () => {
      const value = { n: 1 };
      await node.set("a", value, minute);
      value.n = 2;
      const got = (await node.get("a")) as { n: number };
      got.n = 3;
      expect(await node.get("a")).toEqual({ n: 1 });
    });
  });
}
