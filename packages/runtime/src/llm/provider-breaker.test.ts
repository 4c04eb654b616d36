import fc from "fast-check";
import { expect, test } from "vitest";
import {
  beginCall,
  breakerWaitMs,
  closedBreaker,
  defaultBreakerPolicy,
  endCall,
  type ProviderBreaker,
} from "./provider-breaker.ts";

const policy = { failures: 3, coolDownMs: 1_000, mostCoolDownMs: 4_000, probeMs: 500 };
const end = (breaker: ProviderBreaker, verdict: "success" | "failure" | "nothing", now = 0, call = "c") =>
  endCall(breaker, call, verdict, now, policy);
const opened = (now = 0): ProviderBreaker =>
  [1, 2, 3].reduce((breaker) => end(breaker, "failure", now), closedBreaker);

test("it opens after failures in a row; a success between, or what says nothing, is no failure", () => {
  const two = end(end(closedBreaker, "failure"), "failure");
  expect(breakerWaitMs(two, 0)).toBe(0);
  expect(breakerWaitMs(end(two, "nothing"), 0)).toBe(0);
  expect(breakerWaitMs(end(end(two, "success"), "failure"), 0)).toBe(0);
  expect(breakerWaitMs(end(two, "failure"), 0)).toBe(1_000);
});

test("when it has cooled down one call finds out, and all others wait for it, though not for ever", () => {
  const probing = beginCall(opened(), "probe", 1_000, policy);
  expect(breakerWaitMs(opened(), 1_000)).toBe(0);
  expect(breakerWaitMs(probing, 1_000)).toBeGreaterThan(0);
  expect(breakerWaitMs(probing, 1_500)).toBe(0);
  expect(end(probing, "success", 1_100, "late")).toBe(probing);
  expect(end(probing, "failure", 1_100, "late")).toBe(probing);
  expect(end(probing, "success", 1_100, "probe")).toEqual(closedBreaker);
  expect(breakerWaitMs(end(probing, "nothing", 1_100, "probe"), 1_100)).toBe(0);
});

test("each opening in a row lasts twice as long, up to a bound", () => {
  const waits = [];
  let breaker = opened();
  let now = 0;
  for (let openings = 0; openings < 5; openings++) {
    const waitMs = breakerWaitMs(breaker, now);
    waits.push(waitMs);
    now += waitMs;
    breaker = end(beginCall(breaker, "probe", now, policy), "failure", now, "probe");
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 4_000, 4_000]);
});

test("whatever happens, somebody may call again within the longest cool-down and the longest probe", () => {
  const step = fc.record({
    passMs: fc.integer({ min: 0, max: 400_000 }),
    verdict: fc.constantFrom("success" as const, "failure" as const, "nothing" as const),
    call: fc.constantFrom("a", "b", "c"),
    begins: fc.boolean(),
  });
  const { mostCoolDownMs, probeMs } = defaultBreakerPolicy;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      let breaker = closedBreaker;
      let now = 0;
      for (const { passMs, verdict, call, begins } of steps) {
        now += passMs;
        const mayPass = breakerWaitMs(breaker, now) === 0;
        if (begins && mayPass) {
          breaker = beginCall(breaker, call, now, defaultBreakerPolicy);
          // Of those that find out there is one at a time.
          if (breaker.openUntil !== null) expect(breakerWaitMs(breaker, now)).toBeGreaterThan(0);
        }
        if (!begins) breaker = endCall(breaker, call, verdict, now, defaultBreakerPolicy);
        expect(breakerWaitMs(breaker, now + mostCoolDownMs + probeMs)).toBe(0);
      }
    }),
  );
});
