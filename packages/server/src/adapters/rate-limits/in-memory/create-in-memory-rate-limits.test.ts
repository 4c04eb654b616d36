import { expect, test } from "vitest";
import { describeRateLimitsContract } from "../../../test/contracts/rate-limits.ts";
import { createSystemClock } from "../../clock/system-clock.ts";
import { createInMemoryRateLimits } from "./create-in-memory-rate-limits.ts";

describeRateLimitsContract("limits in memory", () => {
  const limits = createInMemoryRateLimits({ clock: createSystemClock() });
  return [limits, limits];
});

test("a flood of callers pushes out those that came first, and no more is kept", async () => {
  const limits = createInMemoryRateLimits({ clock: createSystemClock() });
  const limit = { points: 1, perMs: 60_000 };
  for (let caller = 0; caller <= 20_000; caller++) await limits.take(`c${caller}`, limit);
  expect((await limits.take("c1", limit)).allowed).toBe(false);
  expect((await limits.take("c0", limit)).allowed).toBe(true);
});
