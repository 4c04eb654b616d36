import { defaultRollback, type SideOutcomes } from "@muster/sdk/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideRollout, type Evidence } from "./decide-rollout.ts";

const side = (completed: number, failed: number, ms = 10): SideOutcomes => ({
  completed,
  failed,
  errorRate: completed + failed === 0 ? null : failed / (completed + failed),
  meanMs: completed === 0 ? null : ms,
  p95Ms: completed === 0 ? null : ms * 2,
});

const evidence = (more: Partial<Evidence> = {}): Evidence => ({
  baseline: side(100, 0),
  candidate: side(0, 0),
  shadow: side(0, 0),
  equal: 0,
  different: 0,
  ...more,
});

const rollout = (step: object = {}, rollback: object = {}) => ({
  steps: [{ candidate: 10, ...step }],
  step: 0,
  step_started_at: 1_000,
  rollback: { ...defaultRollback, ...rollback },
});

const counts = fc.nat({ max: 200 });
const someSide = fc
  .tuple(counts, counts, fc.integer({ min: 1, max: 1_000 }))
  .map(([a, b, ms]) => side(a, b, ms));

describe("a rollout", () => {
  it("is never rolled back for errors before there are enough attempts, but where nothing works", () => {
    fc.assert(
      fc.property(someSide, someSide, fc.integer({ min: 1, max: 100 }), (candidate, baseline, minSamples) => {
        const { move } = decideRollout(rollout({}, { minSamples }), evidence({ candidate, baseline }), 2_000);
        const samples = candidate.completed + candidate.failed;
        const tooBad = (candidate.errorRate ?? 0) - (baseline.errorRate ?? 0) > defaultRollback.errorRate;
        const judged = samples >= minSamples || (candidate.completed === 0 && samples >= 5);
        expect(move).toBe(judged && tooBad ? "roll_back" : "stay");
      }),
    );
  });

  it("is judged against the baseline, not against perfection", () => {
    const sick = evidence({ baseline: side(50, 50), candidate: side(50, 50) });
    expect(decideRollout(rollout(), sick, 2_000)).toEqual({ move: "stay" });
    const worse = evidence({ baseline: side(50, 50), candidate: side(40, 60) });
    expect(decideRollout(rollout(), worse, 2_000)).toMatchObject({ cause: { code: "error_rate" } });
  });

  it("is rolled back for latency by the measure that was chosen", () => {
    const slow = evidence({ baseline: side(100, 0, 10), candidate: side(100, 0, 30) });
    expect(decideRollout(rollout(), slow, 2_000)).toEqual({ move: "stay" });
    for (const [latencyMeasure, ms] of [
      ["p95", "60 ms"],
      ["mean", "30 ms"],
    ] as const) {
      const decision = decideRollout(rollout({}, { latencyRatio: 2, latencyMeasure }), slow, 2_000);
      expect(decision).toMatchObject({ cause: { code: "latency", message: expect.stringContaining(ms) } });
    }
    expect(decideRollout(rollout({}, { latencyRatio: 4 }), slow, 2_000)).toEqual({ move: "stay" });
  });

  it("is rolled back where too many results differ", () => {
    const shadowed = evidence({ shadow: side(40, 0), equal: 30, different: 10 });
    const step = { candidate: 0, shadow: 100 };
    expect(decideRollout(rollout(step), shadowed, 2_000)).toEqual({ move: "stay" });
    expect(decideRollout(rollout(step, { differenceRate: 0.2 }), shadowed, 2_000)).toMatchObject({
      cause: { code: "differences" },
    });
  });

  it("is promoted once all that was asked for is there, and never for time alone", () => {
    const promoteAfter = { successes: 5, durationMs: 100 };
    const good = evidence({ candidate: side(5, 0) });
    expect(decideRollout(rollout({ promoteAfter }), good, 1_099).move).toBe("stay");
    expect(decideRollout(rollout({ promoteAfter }), good, 1_100).move).toBe("promote");
    expect(decideRollout(rollout({ promoteAfter }), evidence({ candidate: side(4, 0) }), 9_000).move).toBe(
      "stay",
    );
    expect(decideRollout(rollout({ promoteAfter: { durationMs: 1 } }), evidence(), 9_000).move).toBe("stay");
    expect(decideRollout(rollout(), good, 9_000).move).toBe("stay");
  });

  it("is judged by its shadow where the candidate has no share of its own", () => {
    const step = { candidate: 0, shadow: 10, promoteAfter: { successes: 3 } };
    expect(decideRollout(rollout(step), evidence({ shadow: side(3, 0) }), 2_000).move).toBe("promote");
    expect(decideRollout(rollout(step), evidence({ shadow: side(1, 30) }), 2_000).move).toBe("roll_back");
  });
});
