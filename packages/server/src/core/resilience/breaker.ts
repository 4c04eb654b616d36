/**
 * The circuit breaker as a pure state machine: no clock, no store, no agents. Whatever can fail again and again may
 * have one; `core` keeps one for each agent, as a row, and moves it with these functions.
 *
 * It is _closed_ while all is well, _open_ when calls would only fail, and _half-open_ when a cool-down is over: then
 * one call, the _probe_, finds out how things are.
 *
 * **In a row** is said of times and not of the order in which outcomes become known, since several nodes learn of them at
 * once: failures are in a row when they are later than the newest success that is known. So as long as a breaker is
 * closed, the order in which outcomes arrive does not matter: what it remembers is the same in the end.
 */
export interface Breaker {
  state: "closed" | "open" | "half_open";
  /** Times of failures since the last success, oldest first, as many of the newest as can matter. */
  failedAt: readonly number[];
  /** The same for time-outs that are no failures by themselves. */
  timedOutAt: readonly number[];
  /** The newest success that is known. What is not later than this is no longer in a row. */
  succeededAt: number | null;
  /** Calls since a failure, for the rate. */
  window: { from: number; calls: number; failures: number } | null;
  /** How often it opened since it was last closed. */
  openings: number;
  changedAt: number;
  /** Open: when the cool-down is over; null where it stays open until somebody closes it. */
  retryAt: number | null;
  /** Half-open: the probe that is under way. */
  probe: string | null;
  /** Why it is not closed. */
  cause: BreakerCause | null;
}

export type BreakerCause = "failures" | "rate" | "timeouts" | "probe" | "operator";

export interface BreakerPolicy {
  /** Failures in a row that open it. */
  failures: number;
  /** Opens it as soon as this share of the calls within the window failed, too; null: only failures in a row do. */
  rate: { share: number; windowMs: number; minimumCalls: number } | null;
  /** Whether a time-out is a failure like any other. */
  countTimeouts: boolean;
  /** Where it is not: so many of them without a success between open it all the same; null: none do. */
  timeoutsInARow: number | null;
  coolDownMs: number;
  /** Each opening in a row multiplies the cool-down by this, … */
  coolDownFactor: number;
  /** … up to this. */
  mostCoolDownMs: number;
}

export const defaultBreakerPolicy: BreakerPolicy = {
  failures: 5,
  rate: null,
  countTimeouts: false,
  timeoutsInARow: 10,
  coolDownMs: 60_000,
  coolDownFactor: 2,
  mostCoolDownMs: 600_000,
};

/** What a call says of whom it was made to. `nothing`: not their fault, and no proof that all is well. */
export interface CallOutcome {
  kind: "success" | "failure" | "timeout" | "nothing";
  at: number;
  /** Names the call, so that the probe is recognised. */
  call: string;
}

export const newBreaker = (at: number): Breaker => ({
  state: "closed",
  failedAt: [],
  timedOutAt: [],
  succeededAt: null,
  window: null,
  openings: 0,
  changedAt: at,
  retryAt: null,
  probe: null,
  cause: null,
});

/** Nothing is held against it: a success would change nothing. */
export const isPristine = (breaker: Breaker): boolean =>
  breaker.state === "closed" &&
  breaker.failedAt.length === 0 &&
  breaker.timedOutAt.length === 0 &&
  breaker.window === null;

/** What a breaker becomes by one outcome; the same object where it says nothing new. */
export function recordOutcome(breaker: Breaker, outcome: CallOutcome, policy: BreakerPolicy): Breaker {
  if (breaker.state === "half_open") return recordProbe(breaker, outcome, policy);
  if (breaker.state === "open" || outcome.kind === "nothing") return breaker;
  const noted = noteOutcome(breaker, outcome, policy);
  const cause = causeToOpen(noted, policy);
  return cause === null ? noted : open(noted, cause, outcome.at, policy);
}

/** Only the probe decides. A time-out is as bad as a failure: who is asked for a sign of life has given none. */
function recordProbe(breaker: Breaker, { kind, at, call }: CallOutcome, policy: BreakerPolicy): Breaker {
  if (breaker.probe !== call) return breaker;
  if (kind === "success") return closeBreaker(breaker, at);
  if (kind === "nothing") return { ...breaker, probe: null };
  return open(breaker, "probe", at, policy);
}

function noteOutcome(breaker: Breaker, { kind, at }: CallOutcome, policy: BreakerPolicy): Breaker {
  const isFailure = kind === "failure" || (kind === "timeout" && policy.countTimeouts);
  const window = noteInWindow(breaker.window, isFailure, kind, at, policy);
  if (kind === "success") {
    const succeededAt = Math.max(at, breaker.succeededAt ?? at);
    const later = (time: number) => time > succeededAt;
    const failedAt = breaker.failedAt.filter(later);
    return { ...breaker, succeededAt, failedAt, timedOutAt: breaker.timedOutAt.filter(later), window };
  }
  if (at <= (breaker.succeededAt ?? Number.NEGATIVE_INFINITY)) return { ...breaker, window };
  if (isFailure) return { ...breaker, failedAt: withTime(breaker.failedAt, at, policy.failures), window };
  if (policy.timeoutsInARow === null) return breaker;
  return { ...breaker, timedOutAt: withTime(breaker.timedOutAt, at, policy.timeoutsInARow) };
}

/** A window begins with a failure, lasts its time, and is forgotten by the first success after it. */
function noteInWindow(
  window: Breaker["window"],
  isFailure: boolean,
  kind: CallOutcome["kind"],
  at: number,
  { rate }: BreakerPolicy,
): Breaker["window"] {
  if (rate === null || (kind === "timeout" && !isFailure)) return window;
  const live = window !== null && at < window.from + rate.windowMs ? window : null;
  if (live === null) return isFailure ? { from: at, calls: 1, failures: 1 } : null;
  return { from: live.from, calls: live.calls + 1, failures: live.failures + (isFailure ? 1 : 0) };
}

const withTime = (times: readonly number[], at: number, most: number): number[] =>
  [...times, at].sort((a, b) => a - b).slice(-most);

function causeToOpen({ failedAt, timedOutAt, window }: Breaker, policy: BreakerPolicy): BreakerCause | null {
  const { failures, rate, timeoutsInARow } = policy;
  if (failedAt.length >= failures) return "failures";
  if (timeoutsInARow !== null && timedOutAt.length >= timeoutsInARow) return "timeouts";
  const isBad =
    rate !== null &&
    window !== null &&
    window.calls >= rate.minimumCalls &&
    window.failures >= rate.share * window.calls;
  return isBad ? "rate" : null;
}

function open(breaker: Breaker, cause: BreakerCause, at: number, policy: BreakerPolicy): Breaker {
  const openings = breaker.openings + 1;
  const retryAt = at + coolDownMs(openings, policy);
  return { ...breaker, state: "open", openings, changedAt: at, retryAt, probe: null, cause };
}

/** Grows with each opening in a row, up to its bound. */
export const coolDownMs = (openings: number, policy: BreakerPolicy): number =>
  Math.round(
    Math.min(policy.mostCoolDownMs, policy.coolDownMs * policy.coolDownFactor ** Math.max(0, openings - 1)),
  );

/** Open → half-open once the cool-down is over; the same object before that. */
export function halfOpenWhenDue(breaker: Breaker, now: number): Breaker {
  if (breaker.state !== "open" || breaker.retryAt === null || breaker.retryAt > now) return breaker;
  return { ...breaker, state: "half_open", changedAt: now, retryAt: null };
}

/** Lets one call through a half-open breaker; the same object where none may pass. */
export function beginProbe(breaker: Breaker, call: string): Breaker {
  return breaker.state === "half_open" && breaker.probe === null ? { ...breaker, probe: call } : breaker;
}

/** All is forgiven, but not that it was closed now: what happened before is not held against it any more. */
export const closeBreaker = (breaker: Breaker, at: number): Breaker => ({
  ...newBreaker(at),
  succeededAt: Math.max(at, breaker.succeededAt ?? at),
});

/** Opens it by hand, until `retryAt` or, with null, until it is closed by hand. */
export const openByHand = (breaker: Breaker, at: number, retryAt: number | null): Breaker => ({
  ...breaker,
  state: "open",
  changedAt: at,
  retryAt,
  probe: null,
  cause: "operator",
});
