/** A timer that can be called off. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time in core. `now` is in milliseconds since the epoch, follows the database's clock
 * and never runs backwards, so that all nodes agree on when a lease ends.
 */
export interface Clock {
  now(): number;
  /** Runs `work` once, `delayMs` from now. A pending timer does not keep the process alive. */
  setTimer(delayMs: number, work: () => void): Timer;
}
