import { expect, it } from "vitest";
import { backoffMs } from "./backoff.ts";

it("doubles up to its maximum and spreads over the upper half", () => {
  const most = [1, 2, 3, 4, 100].map((n) => backoffMs(n, { firstMs: 100, maxMs: 500 }, { next: () => 1 }));
  const least = [1, 2, 3, 4, 100].map((n) => backoffMs(n, { firstMs: 100, maxMs: 500 }, { next: () => 0 }));
  expect(most).toEqual([100, 200, 400, 500, 500]);
  expect(least).toEqual([50, 100, 200, 250, 250]);
});
