import fc from "fast-check";
import { expect, it } from "vitest";
import { findDifference } from "./find-difference.ts";

it("finds none between equal values, whatever the order of their members", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const turned = JSON.parse(JSON.stringify(value), (_, part: unknown) =>
        typeof part === "object" && part !== null && !Array.isArray(part)
          ? Object.fromEntries(Object.entries(part).reverse())
          : part,
      );
      expect(findDifference(JSON.parse(JSON.stringify(value)), turned)).toBeNull();
    }),
  );
});

it("names the first place, as a JSON Pointer", () => {
  expect(findDifference({ a: [1, 2] }, { a: [1, 3] })).toEqual({
    path: "/a/1",
    baseline: "2",
    candidate: "3",
  });
  expect(findDifference({ "x/y": 1 }, { "x/y": "1" })).toMatchObject({ path: "/x~1y", candidate: '"1"' });
  expect(findDifference({ a: 1 }, {})).toMatchObject({ path: "/a", candidate: "nothing" });
  expect(findDifference([], {})).toMatchObject({ path: "" });
  expect(findDifference("x".repeat(9_000), 1)?.baseline.length).toBeLessThan(600);
});
