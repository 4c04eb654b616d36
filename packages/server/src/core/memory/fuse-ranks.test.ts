import fc from "fast-check";
import { expect, test } from "vitest";
import { fuseRanks } from "./fuse-ranks.ts";

const search = fc.uniqueArray(fc.constantFrom(..."abcdefghij"), { maxLength: 10 });
const searches = fc.array(search, { minLength: 1, maxLength: 3 });

test("what both searches find first is first, and what one finds late is last", () => {
  const fused = fuseRanks([["a", "b", "c"], ["b", "a", "d"], ["b"]], 10);
  expect(fused.map(({ id }) => id)).toEqual(["b", "a", "c", "d"]);
  expect(fused[0]).toMatchObject({ ranks: [2, 1, 1], score: 1 / 62 + 1 / 61 + 1 / 61 });
  expect(fused[3]).toMatchObject({ ranks: [null, 3, null] });
});

test("everything that was found is there once, best first, with its places", () => {
  fc.assert(
    fc.property(searches, fc.integer({ min: 1, max: 12 }), (found, most) => {
      const fused = fuseRanks(found, most);
      expect(fused).toHaveLength(Math.min(most, new Set(found.flat()).size));
      expect(new Set(fused.map(({ id }) => id)).size).toBe(fused.length);
      for (const [index, { id, score, ranks }] of fused.entries()) {
        expect(score).toBeLessThanOrEqual(fused[index - 1]?.score ?? 1);
        expect(ranks).toEqual(found.map((ids) => (ids.includes(id) ? ids.indexOf(id) + 1 : null)));
      }
    }),
  );
});

test("one search alone keeps its order", () => {
  fc.assert(
    fc.property(search, (ids) => {
      expect(fuseRanks([ids, []], 10).map(({ id }) => id)).toEqual(ids);
    }),
  );
});

test("who is found further in front in each search comes first", () => {
  fc.assert(
    fc.property(searches, (found) => {
      const fused = fuseRanks(found, 100);
      const better = (one: string, other: string) =>
        found.every((ids) => {
          const [mine, its] = [ids.indexOf(one), ids.indexOf(other)];
          return its === -1 || (mine !== -1 && mine < its);
        });
      for (const [place, { id }] of fused.entries())
        for (const { id: later } of fused.slice(place + 1)) expect(better(later, id)).toBe(false);
    }),
  );
});
