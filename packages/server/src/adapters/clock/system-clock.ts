import type { Clock, Timer } from "../../ports/clock.ts";

/** `setTimeout` takes no more and fires at once beyond it. */
const longestTimeoutMs = 2 ** 31 - 1;

/** The wall clock may run this far ahead before we follow it: the machine slept, or its clock was set. */
const jumpMs = 1_000;

export interface SystemClock extends Clock {
  /** How far the database's clock is ahead of this machine's, as last measured. Time still never runs backwards. */
  setOffset(offsetMs: number): void;
}

/** Where the machine's time comes from; replaced in tests. */
export interface TimeSources {
  /** Milliseconds since the epoch, which people and daemons set. */
  wall(): number;
  /** Milliseconds since some moment, which nobody sets, and which may stand still while the machine sleeps. */
  steady(): number;
}

const machine: TimeSources = { wall: () => Date.now(), steady: () => performance.now() };

/**
 * The clock of a process. It runs on the steady time, so that a wall clock that is set back does no harm, and
 * follows the wall clock forwards, so that a laptop that slept wakes up in the present. Whole milliseconds.
 */
export function createSystemClock(sources: TimeSources = machine): SystemClock {
  let shift = sources.wall() - sources.steady();
  let offset = 0;
  let last = Number.NEGATIVE_INFINITY;

  return {
    now() {
      const steady = sources.steady();
      const wall = sources.wall();
      if (wall - (steady + shift) > jumpMs) shift = wall - steady;
      last = Math.max(last, Math.floor(steady + shift + offset));
      return last;
    },
    setOffset(offsetMs) {
      offset = offsetMs;
    },
    setTimer(delayMs, work) {
      return startTimer(Math.max(delayMs, 0), work);
    },
  };
}

/** A timer that fires late or on time, never early, however long the delay. */
function startTimer(delayMs: number, work: () => void): Timer {
  const due = performance.now() + delayMs;
  let handle: NodeJS.Timeout;
  const arm = (leftMs: number) => {
    handle = setTimeout(fire, Math.min(Math.ceil(leftMs), longestTimeoutMs));
    handle.unref();
  };
  const fire = () => {
    const left = due - performance.now();
    if (left > 0) arm(left);
    else work();
  };
  arm(delayMs);
  return { cancel: () => clearTimeout(handle) };
}
