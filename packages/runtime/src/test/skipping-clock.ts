import { type Clock, hostClock } from "../clock.ts";

export interface SkippingClock extends Clock {
  /** Lets time pass; timers take no notice. */
  pass(ms: number): void;
  /** How long all waits were that it skipped. */
  readonly skippedMs: number;
}

/** A clock on which nobody waits: short timers end at once, and time jumps; longer ones take their time. */
export function createSkippingClock(skipsUpToMs = 30_000): SkippingClock {
  let ahead = 0;
  let skipped = 0;
  const now = () => hostClock.now() + ahead;
  return {
    now,
    pass(ms) {
      ahead += ms;
    },
    get skippedMs() {
      return skipped;
    },
    setTimer(delayMs, work) {
      if (delayMs > skipsUpToMs) return hostClock.setTimer(delayMs, work);
      const dueAt = now() + delayMs;
      return hostClock.setTimer(0, () => {
        const jump = Math.max(0, dueAt - now());
        ahead += jump;
        skipped += delayMs;
        work();
      });
    },
  };
}
