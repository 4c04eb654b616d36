import { expect, test } from "vitest";
import { createSystemRandom } from "./system-random.ts";

test("chance is spread over [0, 1)", () => {
  const random = createSystemRandom();
  const drawn = Array.from({ length: 10_000 }, () => random.next());
  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...drawn)).toBeLessThan(1);
  const tenths = new Set(drawn.map((number) => Math.floor(number * 10)));
  expect(tenths.size).toBe(10);
});
