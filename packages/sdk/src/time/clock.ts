/** A timer that can be called off. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time of the SDK, so that a simulation can hand in its own. `now` is in milliseconds and
 * never runs backwards.
 */
export interface Clock {
  now(): number;
  /** Runs `work` once, `delayMs` from now. */
  setTimer(delayMs: number, work: () => void): Timer;
}

const createSystemClock = (keepsProcessAlive: boolean): Clock => ({
  now: () => performance.timeOrigin + performance.now(),
  setTimer(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    if (!keepsProcessAlive) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
});

/** The computer's clock. A pending timer does not keep the process alive: for what runs beside the work. */
export const systemClock: Clock = createSystemClock(false);

/** The computer's clock with timers that keep the process alive: for what somebody waits for. */
export const waitingClock: Clock = createSystemClock(true);

/** Waits `delayMs`. Rejects with the signal's reason when that is aborted first. */
export const sleep = (clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
