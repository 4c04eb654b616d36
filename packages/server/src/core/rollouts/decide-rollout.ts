import type { RolloutCause, SideOutcomes } from "@muster/sdk/protocol";
import type { RolloutRow } from "../queue/statements/rollouts.ts";

/** What is known of the present step. */
export interface Evidence {
  baseline: SideOutcomes;
  candidate: SideOutcomes;
  shadow: SideOutcomes;
  equal: number;
  different: number;
}

export type Decision = { move: "roll_back"; cause: RolloutCause } | { move: "promote" } | { move: "stay" };

type Step = Pick<RolloutRow, "steps" | "step" | "rollback" | "step_started_at">;

/** Whether a rollout ends, goes on to the next step, or stays where it is. What is bad counts before what is good. */
export function decideRollout(rollout: Step, evidence: Evidence, now: number): Decision {
  const step = rollout.steps[rollout.step];
  if (step === undefined) return { move: "stay" };
  // A step without a share of its own is judged by what the shadow does.
  const trial = step.candidate > 0 ? evidence.candidate : evidence.shadow;
  const cause =
    tooManyErrors(rollout.rollback, trial, evidence.baseline) ??
    tooSlow(rollout.rollback, trial, evidence.baseline) ??
    tooDifferent(rollout.rollback, evidence);
  if (cause !== null) return { move: "roll_back", cause };
  if (step.promoteAfter === undefined) return { move: "stay" };
  // Time alone proves nothing: at least one task must have been done.
  const { successes = 1, durationMs = 0 } = step.promoteAfter;
  const enough = trial.completed >= successes && now - rollout.step_started_at >= durationMs;
  return { move: enough ? "promote" : "stay" };
}

type Policy = RolloutRow["rollback"];

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** A candidate that fails as often as this before its first success is broken: nobody waits for more. */
const brokenAfter = 5;

function tooManyErrors({ errorRate, minSamples }: Policy, trial: SideOutcomes, baseline: SideOutcomes) {
  const samples = trial.completed + trial.failed;
  if (errorRate === null || samples === 0) return null;
  const broken = trial.completed === 0 && samples >= brokenAfter;
  if (samples < minSamples && !broken) return null;
  const own = trial.failed / samples;
  const usual = baseline.errorRate ?? 0;
  if (own - usual <= errorRate) return null;
  return because(
    "error_rate",
    `${percent(own)} of the candidate's ${samples} attempts failed, of the baseline's ${percent(usual)}; ` +
      `at most ${percent(errorRate)} more are allowed.`,
  );
}

function tooSlow(
  { latencyRatio, latencyMeasure, minSamples }: Policy,
  trial: SideOutcomes,
  baseline: SideOutcomes,
) {
  if (latencyRatio === null || trial.completed < minSamples || baseline.completed < minSamples) return null;
  const [own, usual] =
    latencyMeasure === "p95" ? [trial.p95Ms, baseline.p95Ms] : [trial.meanMs, baseline.meanMs];
  // What takes less than a millisecond is measured as none.
  if (own === null || usual === null || own <= Math.max(usual, 1) * latencyRatio) return null;
  const measure =
    latencyMeasure === "p95" ? "95 % of the candidate's tasks took up to" : "The candidate took on average";
  return because(
    "latency",
    `${measure} ${Math.round(own)} ms, the baseline ${Math.round(usual)} ms; at most ${latencyRatio} times as long is allowed.`,
  );
}

function tooDifferent({ differenceRate, minSamples }: Policy, { equal, different }: Evidence) {
  const compared = equal + different;
  if (differenceRate === null || compared < minSamples || different / compared <= differenceRate) return null;
  return because(
    "differences",
    `${different} of ${compared} compared results differ (${percent(different / compared)}); at most ${percent(differenceRate)} may.`,
  );
}

const because = (code: string, message: string): RolloutCause => ({ code, message, by: null });
