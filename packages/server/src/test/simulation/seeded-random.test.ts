import { describe, expect, test } from "vitest";
import { createSeededRandom } from "./seeded-random.ts";

const draw = (seed: number, count: number): number[] => {
  const random = createSeededRandom(seed);
  return Array.from({ length: count }, () => random.next());
};

describe("seeded chance", () => {
  test("is the same for the same seed and another for another", () => {
    expect(draw(42, 100)).toEqual(draw(42, 100));
    expect(draw(42, 100)).not.toEqual(draw(43, 100));
  });

  test("is mulberry32", () => {
    // Computed with the author's program in C.
    expect(draw(1, 3).map((number) => number * 2 ** 32)).toEqual([2693262067, 11749833, 2265367787]);
  });

  test("is spread evenly over [0, 1)", () => {
    const drawn = draw(7, 100_000);
    const tenths = Array<number>(10).fill(0);
    for (const number of drawn) {
      expect(number >= 0 && number < 1).toBe(true);
      tenths[Math.floor(number * 10)]! += 1;
    }
    for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });
});
