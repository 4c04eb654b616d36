import { defaultRetryBudget, type RetryBudget } from "@muster/sdk/protocol";

/** What a capability has left for retries at one moment. */
export interface BudgetState {
  /** Saved up from the retries per minute, one minute's worth at most. */
  saved: number;
  /** Earned by completed tasks. Worth less as time passes, so that only recent ones count. */
  earned: number;
  at: number;
}

const minuteMs = 60_000;
/** What completed tasks have earned loses half its worth in this time. */
const earnedHalfLifeMs = 60_000;
/** More is not kept, however much is completed. */
const mostEarned = 1_000_000;
/** Rounding must not withhold a retry that is due. */
const grain = 1e-9;

export const fullBudget = (budget: RetryBudget | null): Required<RetryBudget> => ({
  ...defaultRetryBudget,
  ...budget,
});

/**
 * The retry budget of a capability, as in a token bucket: between any two moments there are at most `perMinute` retries,
 * as many again for every minute between them, and `share` for each task completed before or meanwhile. So a capability
 * that only fails gets a trickle, and one that mostly works can repeat what did not.
 */
export function budgetAt(state: BudgetState, { perMinute }: Required<RetryBudget>, now: number): BudgetState {
  const passedMs = Math.max(0, now - state.at);
  return {
    saved: Math.min(perMinute, state.saved + (perMinute * passedMs) / minuteMs),
    earned: state.earned * 0.5 ** (passedMs / earnedHalfLifeMs),
    at: Math.max(now, state.at),
  };
}

/** How many retries may go at this moment. */
export const available = ({ saved, earned }: BudgetState): number => Math.floor(saved + earned + grain);

/** Takes what is available, first of what would lose its worth. */
export function withdraw(state: BudgetState, retries: number): BudgetState {
  const fromEarned = Math.min(state.earned, retries);
  return {
    ...state,
    earned: state.earned - fromEarned,
    saved: Math.max(0, state.saved - (retries - fromEarned)),
  };
}

export const credit = (
  state: BudgetState,
  { share }: Required<RetryBudget>,
  completed: number,
): BudgetState => ({ ...state, earned: Math.min(mostEarned, state.earned + share * completed) });

/** When the next retry can go at the latest, if nothing is completed until then. */
export const nextRetryAt = ({ saved, at }: BudgetState, { perMinute }: Required<RetryBudget>): number =>
  at + Math.ceil((Math.max(0, 1 - saved) * minuteMs) / perMinute);
