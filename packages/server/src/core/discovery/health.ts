import type { OutcomeWeights } from "../../ports/agent-registry.ts";

/** Outcomes lose half their weight in this time, so that an agent that was set aside is tried again. */
const healthHalfLifeMs = 60_000;
/** A new agent is trusted as if it had done this many tasks well; three failures in a row set it aside. */
const trust = 5;
/** Weight that older outcomes keep when a new one arrives. */
const memory = 0.95;

const decayed = (weights: OutcomeWeights, now: number): OutcomeWeights => {
  const factor = 0.5 ** (Math.max(0, now - weights.at) / healthHalfLifeMs);
  return { successes: weights.successes * factor, failures: weights.failures * factor, at: now };
};

export const noOutcomes = (now: number): OutcomeWeights => ({ successes: 0, failures: 0, at: now });

export function withOutcome(weights: OutcomeWeights, success: boolean, now: number): OutcomeWeights {
  const { successes, failures } = decayed(weights, now);
  return {
    successes: successes * memory + (success ? 1 : 0),
    failures: failures * memory + (success ? 0 : 1),
    at: now,
  };
}

/** 0 to 1: the share of good outcomes, the newest weighing most, with some trust in advance. */
export function healthScore(weights: OutcomeWeights, now: number): number {
  const { successes, failures } = decayed(weights, now);
  return (successes + trust) / (successes + failures + trust);
}
