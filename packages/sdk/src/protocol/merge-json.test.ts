import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { equalJson, type Json, mergeThreeWay } from "./merge-json.ts";

const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
const small = fc.dictionary(
  fc.constantFrom("a", "b", "c", "~/"),
  fc.oneof(fc.nat(2), fc.dictionary(fc.constantFrom("x", "y"), fc.nat(2))),
) as fc.Arbitrary<Json>;

describe("merging three ways", () => {
  test.each<[name: string, base: Json | undefined, yours: Json, theirs: Json, value: Json, paths: string[]]>([
    ["joins members", { a: 1, b: 1 }, { a: 2, b: 1 }, { a: 1, b: 2 }, { a: 2, b: 2 }, []],
    ["joins what both added", {}, { a: 1 }, { b: 2 }, { a: 1, b: 2 }, []],
    ["joins what both made of nothing", undefined, { a: 1 }, { b: 2 }, { a: 1, b: 2 }, []],
    ["keeps a removal", { a: 1, b: 1 }, { b: 1 }, { a: 1, b: 2 }, { b: 2 }, []],
    ["takes the same change once", { a: 1 }, { a: 2 }, { a: 2 }, { a: 2 }, []],
    ["names what both changed", { a: { b: 1 } }, { a: { b: 2 } }, { a: { b: 3 } }, { a: { b: 3 } }, ["/a/b"]],
    ["names a change of what was removed", { "a/b": 1 }, {}, { "a/b": 2 }, { "a/b": 2 }, ["/a~1b"]],
    ["takes lists as a whole", { a: [1] }, { a: [1, 2] }, { a: [0, 1] }, { a: [0, 1] }, ["/a"]],
  ])("%s", (_, base, yours, theirs, value, paths) => {
    const merged = mergeThreeWay(base, yours, theirs);
    expect(merged.value).toEqual(value);
    expect(merged.conflicts.map(({ path }) => path)).toEqual(paths);
  });

  test("takes the side that changed, whatever it is", () => {
    fc.assert(
      fc.property(json, json, (base, other) => {
        expect(mergeThreeWay(base, other, base)).toEqual({ value: other, conflicts: [] });
        expect(mergeThreeWay(base, base, other)).toEqual({ value: other, conflicts: [] });
        expect(mergeThreeWay(base, other, other).conflicts).toEqual([]);
      }),
    );
  });

  test("finds the same conflicts from both sides, and without one the same value", () => {
    fc.assert(
      fc.property(small, small, small, (base, one, other) => {
        const [forth, back] = [mergeThreeWay(base, one, other), mergeThreeWay(base, other, one)];
        expect(forth.conflicts.map(({ path }) => path).sort()).toEqual(
          back.conflicts.map(({ path }) => path).sort(),
        );
        if (forth.conflicts.length === 0) expect(equalJson(forth.value, back.value)).toBe(true);
      }),
    );
  });
});
