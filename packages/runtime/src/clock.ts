/** Time of the host, or of a test that decides what time it is. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs `work` once, `delayMs` from now; answers how to call it off. It does not keep the process alive. */
  setTimer(delayMs: number, work: () => void): () => void;
}

/** Chance: a number in [0, 1). */
export type Random = () => number;

/** Node's timers count in 31 bits; later ones would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

export const hostClock: Clock = {
  now: () => Date.now(),
  setTimer(delayMs, work) {
    const timer = setTimeout(work, Math.min(Math.max(0, delayMs), longestTimerMs));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
