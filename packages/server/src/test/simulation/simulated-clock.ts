import type { Clock } from "../../ports/clock.ts";

interface Pending {
  due: number;
  work(): void;
}

export interface SimulatedClock extends Clock {
  /** Moves to the next timer and fires it. False where none is set. */
  fireNext(): boolean;
  /** Moves on by `ms`, fires what falls due on the way, each at its own time, and lets `settle` run after each. */
  advance(ms: number, settle?: () => Promise<void>): Promise<void>;
  /** Timers that are set and not cancelled. */
  readonly pending: number;
}

/** Time that stands still until the test moves it. */
export function createSimulatedClock(startMs = 1_700_000_000_000): SimulatedClock {
  let now = startMs;
  const timers = new Set<Pending>();

  const next = (): Pending | undefined => {
    let found: Pending | undefined;
    // The set keeps the order of setting, so the first of those due at once wins.
    for (const timer of timers) if (!found || timer.due < found.due) found = timer;
    return found;
  };
  const fire = (timer: Pending) => {
    timers.delete(timer);
    now = Math.max(now, timer.due);
    timer.work();
  };

  return {
    now: () => now,
    setTimer(delayMs, work) {
      const timer = { due: now + Math.max(Math.ceil(delayMs), 0), work };
      timers.add(timer);
      return { cancel: () => timers.delete(timer) };
    },
    fireNext() {
      const timer = next();
      if (timer) fire(timer);
      return timer !== undefined;
    },
    async advance(ms, settle = () => new Promise((resolve) => setImmediate(resolve))) {
      const until = now + ms;
      await settle();
      for (let timer = next(); timer && timer.due <= until; timer = next()) {
        fire(timer);
        await settle();
      }
      now = until;
    },
    get pending() {
      return timers.size;
    },
  };
}
