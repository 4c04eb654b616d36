import fc from "fast-check";
import { expect, test } from "vitest";
import { correct, type TokenBucket, takeFrom, waitMsFor } from "./token-bucket.ts";

test("within any stretch of time no more is let through than the bucket holds and what flows in", () => {
  const request = fc.record({
    pauseMs: fc.integer({ min: 0, max: 20_000 }),
    amount: fc.integer({ min: 1, max: 100 }),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 1_000 }),
      fc.array(request, { maxLength: 60 }),
      (perMinute, requests) => {
        let bucket: TokenBucket | undefined;
        let now = 0;
        const taken: { at: number; amount: number }[] = [];
        for (const { pauseMs, amount } of requests) {
          now += pauseMs;
          // Whoever is told to wait does, and goes then: what it takes it takes when it asks.
          const waitMs = waitMsFor(bucket, amount, perMinute, now);
          taken.push({ at: now + waitMs, amount });
          bucket = takeFrom(bucket, amount, perMinute, now);
        }
        for (const [first, { at: from }] of taken.entries()) {
          for (const { at: to } of taken.slice(first)) {
            const sum = taken
              .filter(({ at }) => at >= from && at <= to)
              .reduce((all, { amount }) => all + amount, 0);
            expect(sum).toBeLessThanOrEqual(perMinute + ((to - from) * perMinute) / 60_000 + 1);
          }
        }
      },
    ),
  );
});

test("those who wait are let through in the order in which they came", () => {
  let bucket: TokenBucket | undefined;
  const waits = Array.from({ length: 6 }, () => {
    const waitMs = waitMsFor(bucket, 1, 3, 0);
    bucket = takeFrom(bucket, 1, 3, 0);
    return waitMs;
  });
  expect(waits).toEqual([0, 0, 0, 20_000, 40_000, 60_000]);
});

test("what is larger than the bucket waits until it is full, and is not refused for ever", () => {
  expect(waitMsFor(undefined, 500, 100, 0)).toBe(0);
  const owing = takeFrom(undefined, 500, 100, 0);
  expect(waitMsFor(owing, 500, 100, 0)).toBe(300_000);
  expect(waitMsFor(owing, 500, 100, 300_000)).toBe(0);
});

test("one call that used far more than was thought stops the others for some minutes, and no longer", () => {
  expect(correct(undefined, 1_000_000, 100, 0).level).toBe(-300);
  const waiting = takeFrom(undefined, 600, 100, 0);
  expect(correct(waiting, 50, 100, 0).level).toBe(-500);
});

test("what was not used comes back, and the bucket does not run over", () => {
  const bucket = correct(takeFrom(undefined, 60, 100, 0), -50, 100, 0);
  expect(bucket.level).toBe(90);
  expect(correct(bucket, -50, 100, 0).level).toBe(100);
});

test("a clock that goes back fills nothing", () => {
  const bucket = takeFrom(undefined, 100, 100, 60_000);
  expect(takeFrom(bucket, 0, 100, 0)).toEqual(bucket);
});
