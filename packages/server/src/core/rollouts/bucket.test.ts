import fc from "fast-check";
import { expect, it } from "vitest";
import { bucketCount, bucketOf, isCandidateBucket, isShadowBucket, rolloutKeyOf } from "./bucket.ts";

const weights = fc.integer({ min: 0, max: 100 });

it("keeps a key on the candidate's side while weights only grow", () => {
  fc.assert(
    fc.property(fc.string(), fc.array(weights, { minLength: 2, maxLength: 10 }), (key, steps) => {
      const bucket = bucketOf(key);
      expect(bucket).toBe(bucketOf(key));
      let wasCandidate = false;
      for (const weight of steps.toSorted((a, b) => a - b)) {
        const isCandidate = isCandidateBucket(bucket, weight);
        expect(!wasCandidate || isCandidate).toBe(true);
        wasCandidate = isCandidate;
      }
    }),
  );
});

it("gives nobody at 0 and everybody at 100 to the candidate", () => {
  fc.assert(
    fc.property(fc.string(), (key) => {
      expect(isCandidateBucket(bucketOf(key), 0)).toBe(false);
      expect(isCandidateBucket(bucketOf(key), 100)).toBe(true);
    }),
  );
});

it("shares keys out as the weights say, whatever they look like", () => {
  const shapes: ((n: number) => string)[] = [
    (n) => `${n}`,
    (n) => `customer-${String(n).padStart(8, "0")}`,
    (n) => `0199aa41-7c1e-7000-8000-${n.toString(16).padStart(12, "0")}`,
  ];
  const keys = 20_000;
  fc.assert(
    fc.property(weights, fc.constantFrom(...shapes), (weight, shape) => {
      let candidates = 0;
      for (let n = 0; n < keys; n++) if (isCandidateBucket(bucketOf(shape(n)), weight)) candidates += 1;
      // Five standard deviations of a fair share-out, at least.
      expect(Math.abs(candidates / keys - weight / 100)).toBeLessThan(0.02);
    }),
    { numRuns: 30 },
  );
});

it("takes the shadow's buckets from those that the candidate gets last", () => {
  for (let bucket = 0; bucket < bucketCount; bucket++) {
    expect(isShadowBucket(bucket, 30)).toBe(bucket >= 70);
    expect(isShadowBucket(bucket, 30) && isCandidateBucket(bucket, 70)).toBe(false);
  }
});

it("goes by the key of the task, else its run, else the task", () => {
  expect(rolloutKeyOf({ id: "t", run_id: "r", rollout_key: "k" })).toBe("k");
  expect(rolloutKeyOf({ id: "t", run_id: "r", rollout_key: null })).toBe("r");
  expect(rolloutKeyOf({ id: "t", run_id: null, rollout_key: null })).toBe("t");
});
