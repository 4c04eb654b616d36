import fc from "fast-check";
import { expect, test } from "vitest";
import { nearCodeOf, similarityTo } from "./near-code.ts";

const bytesOf = (codes: string) =>
  Uint8Array.from(codes.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

test("a vector in codes compares as the vector does, to the fourth digit", () => {
  const vector = fc
    .array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 })
    .filter((values) => Math.hypot(...values) > 0.01)
    .map((values) => values.map((value) => value / Math.hypot(...values)));
  fc.assert(
    fc.property(vector, vector, (one, other) => {
      const { signs, scale, codes } = nearCodeOf(one);
      const wanted = one.reduce((sum, value, at) => sum + value * (other[at] as number), 0);
      expect(similarityTo(other, scale, bytesOf(codes))).toBeCloseTo(wanted, 4);
      expect(signs).toBe(one.map((value) => (value > 0 ? "1" : "0")).join(""));
    }),
  );
});

test("what is nothing at all is near to nothing", () => {
  const { scale, codes } = nearCodeOf([0, 0]);
  expect(similarityTo([1, 0], scale, bytesOf(codes))).toBe(0);
});
