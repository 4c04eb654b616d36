/**
 * The breaker of a provider, as a value and what it becomes: it opens after failures in a row, lets one call through when
 * its cool-down is over, and cools down for longer each time that call fails, too. Refusals for a limit are no failures:
 * the provider is well, and says when to come back.
 */
export interface ProviderBreaker {
  failuresInARow: number;
  /** How often it opened since it was last closed. */
  openings: number;
  /** Until then no call is made; null: it is closed. */
  openUntil: number | null;
  /** The one call that finds out; it has until then, in case that its node dies. */
  probe: { call: string; until: number } | null;
}

export interface ProviderBreakerPolicy {
  failures: number;
  coolDownMs: number;
  /** The cool-down doubles with each opening in a row, up to this. */
  mostCoolDownMs: number;
  /** How long a call may take that finds out. */
  probeMs: number;
}

export const defaultBreakerPolicy: ProviderBreakerPolicy = {
  failures: 5,
  coolDownMs: 10_000,
  mostCoolDownMs: 300_000,
  probeMs: 120_000,
};

export const closedBreaker: ProviderBreaker = {
  failuresInARow: 0,
  openings: 0,
  openUntil: null,
  probe: null,
};

/** Whoever finds another call finding out asks again after this: that one mostly knows soon. */
const askAgainMs = 1_000;

/** How long no call may pass; 0: one may. */
export function breakerWaitMs({ openUntil, probe }: ProviderBreaker, now: number): number {
  if (openUntil === null) return 0;
  if (openUntil > now) return openUntil - now;
  return Math.min(askAgainMs, Math.max(0, (probe?.until ?? now) - now));
}

/** A call begins, where `breakerWaitMs` is 0. */
export function beginCall(
  breaker: ProviderBreaker,
  call: string,
  now: number,
  { probeMs }: ProviderBreakerPolicy,
): ProviderBreaker {
  return breaker.openUntil === null ? breaker : { ...breaker, probe: { call, until: now + probeMs } };
}

/** `nothing`: the provider was not to blame, and has not proved to be well either. */
export type CallVerdict = "success" | "failure" | "nothing";

/** While it is open only the call that finds out decides: others may have begun long before. */
export function endCall(
  breaker: ProviderBreaker,
  call: string,
  verdict: CallVerdict,
  now: number,
  policy: ProviderBreakerPolicy,
): ProviderBreaker {
  if (breaker.openUntil !== null) {
    if (breaker.probe?.call !== call) return breaker;
    if (verdict === "nothing") return { ...breaker, probe: null };
    return verdict === "success" ? closedBreaker : opened(breaker, now, policy);
  }
  if (verdict === "nothing") return breaker;
  if (verdict === "success") return breaker.failuresInARow === 0 ? breaker : closedBreaker;
  const failing = { ...breaker, failuresInARow: breaker.failuresInARow + 1 };
  return failing.failuresInARow >= policy.failures ? opened(failing, now, policy) : failing;
}

function opened(breaker: ProviderBreaker, now: number, policy: ProviderBreakerPolicy): ProviderBreaker {
  const coolDownMs = Math.min(policy.mostCoolDownMs, policy.coolDownMs * 2 ** Math.min(breaker.openings, 30));
  return { ...breaker, openings: breaker.openings + 1, openUntil: now + coolDownMs, probe: null };
}
