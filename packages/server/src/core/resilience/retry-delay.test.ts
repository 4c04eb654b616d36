import { limits, type RetryPolicy } from "@muster/sdk/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import { retryDelay } from "./retry-delay.ts";
import { refuseBadRetry, resolveRetry } from "./retry-policy.ts";

const error = { code: "agent_error", message: "It broke." };
const chance = (value: number) => ({ next: () => value });
const delays = fc.integer({ min: 1, max: limits.durationMs });
const policies: fc.Arbitrary<RetryPolicy> = fc.record(
  {
    maxAttempts: fc.integer({ min: 1, max: limits.attempts }),
    backoff: fc.constantFrom("exponential", "linear", "constant"),
    delayMs: delays,
    factor: fc.double({ min: 1, max: 10, noNaN: true }),
    maxDelayMs: delays,
    jitter: fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant("full" as const)),
  },
  { requiredKeys: [] },
);
const shares = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const tries = fc.integer({ min: 1, max: limits.attempts - 1 });

it("a delay is never longer than the maximum and never negative, and a whole number", () => {
  fc.assert(
    fc.property(fc.array(policies, { maxLength: 4 }), tries, shares, (levels, tried, share) => {
      const policy = { ...resolveRetry(levels), maxAttempts: limits.attempts };
      const delay = retryDelay(policy, tried, error, chance(share)) as number;
      expect(Number.isSafeInteger(delay)).toBe(true);
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThanOrEqual(policy.maxDelayMs);
    }),
  );
});

it("the longest possible delay never shrinks from one attempt to the next", () => {
  fc.assert(
    fc.property(policies, tries, (said, tried) => {
      const policy = { ...resolveRetry([said]), maxAttempts: limits.attempts + 1 };
      const longest = (n: number) => retryDelay(policy, n, error, chance(1)) as number;
      expect(longest(tried + 1)).toBeGreaterThanOrEqual(longest(tried));
    }),
  );
});

it("jitter spreads a delay over its whole range and not beyond", () => {
  fc.assert(
    fc.property(delays, fc.double({ min: 0, max: 1, noNaN: true }), shares, (delayMs, jitter, share) => {
      const policy = resolveRetry([{ backoff: "constant", delayMs, maxDelayMs: limits.durationMs, jitter }]);
      const [least, some, most] = [0, share, 1].map(
        (at) => retryDelay(policy, 1, error, chance(at)) as number,
      );
      expect(some).toBeGreaterThanOrEqual(least as number);
      expect(some).toBeLessThanOrEqual(most as number);
      expect((most as number) / (1 + jitter)).toBeCloseTo((least as number) / Math.max(1 - jitter, 1e-9), -1);
    }),
    { examples: [[1_000, 0.5, 0.3]], numRuns: 1 },
  );
  const full = resolveRetry([{ backoff: "constant", delayMs: 1_000, jitter: "full" }]);
  expect([0, 0.25, 1].map((at) => retryDelay(full, 1, error, chance(at)))).toEqual([0, 250, 1_000]);
});

it("grows as its backoff says", () => {
  const plain = (backoff: "exponential" | "linear" | "constant") => {
    const policy = resolveRetry([{ backoff, delayMs: 100, maxDelayMs: 450, jitter: 0, maxAttempts: 9 }]);
    return [1, 2, 3, 4, 5].map((n) => retryDelay(policy, n, error, chance(0.5)));
  };
  expect(plain("exponential")).toEqual([100, 200, 400, 450, 450]);
  expect(plain("linear")).toEqual([100, 200, 300, 400, 450]);
  expect(plain("constant")).toEqual([100, 100, 100, 100, 100]);
});

it("the more specific level has the word, member by member", () => {
  const [task, operator, agent] = [
    { maxAttempts: 2 },
    { delayMs: 5, maxAttempts: 9 },
    { jitter: 0, delayMs: 7 },
  ];
  expect(resolveRetry([task, operator, agent])).toMatchObject({
    maxAttempts: 2,
    delayMs: 5,
    jitter: 0,
    factor: 2,
    maxDelayMs: 60_000,
  });
  expect(resolveRetry([{ delayMs: 90_000 }]).maxDelayMs).toBe(90_000);
  expect(resolveRetry([{ maxDelayMs: 500 }, { delayMs: 9_000, maxDelayMs: 9_000 }]).delayMs).toBe(500);
});

it("codes decide before the agent's word, the more specific level first", () => {
  const again = (levels: RetryPolicy[], code: string, retryable?: boolean) => {
    const said = retryable === undefined ? {} : { retryable };
    return retryDelay(resolveRetry(levels), 1, { code, message: "", ...said }, chance(0.5)) !== null;
  };
  expect(again([], "x")).toBe(true);
  expect(again([], "x", false)).toBe(false);
  expect(again([{ never: ["x"] }], "x", true)).toBe(false);
  expect(again([{ always: ["x"] }], "x", false)).toBe(true);
  expect(again([{ always: ["x"] }, { never: ["x"] }], "x", false)).toBe(true);
  expect(again([{}, { never: ["agent_lost"] }, { always: ["agent_lost"] }], "agent_lost")).toBe(false);
});

it("keeps to the agent's retryAfterMs, and to the number of attempts", () => {
  const policy = resolveRetry([{ maxAttempts: 3, delayMs: 10, jitter: 0 }]);
  expect(retryDelay(policy, 1, { ...error, retryAfterMs: 5_000 }, chance(0.5))).toBe(5_000);
  expect(retryDelay(policy, 3, { ...error, retryAfterMs: 5_000 }, chance(0.5))).toBeNull();
  expect(retryDelay(policy, 2, { ...error, code: "agent_lost" }, chance(0.5))).toBe(0);
});

it("a policy that contradicts itself is refused with the member named", () => {
  expect(() => refuseBadRetry({ delayMs: 10, maxDelayMs: 5 }, "tasks/0/retry")).toThrow(
    "tasks/0/retry/maxDelayMs is 5, less than delayMs, which is 10.",
  );
  expect(() => refuseBadRetry({ never: ["a"], always: ["b", "a"] }, "retry")).toThrow(
    'retry/always names "a"',
  );
});
