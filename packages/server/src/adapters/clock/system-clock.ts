import type { Clock } from "../../ports/clock.ts";
import { startTimer } from "./start-timer.ts";

/**
 * The computer's clock, made never to run backwards. It counts on from the wall clock at its start with the
 * monotonic clock, which no correction sets back. Where the wall clock has got ahead, since it was corrected
 * or the computer slept, this one follows at once. Whole milliseconds, as the database keeps them.
 */
export function createSystemClock(): Clock {
  let offsetMs = Date.now() - performance.now();
  let latest = 0;

  function now(): number {
    const wall = Date.now();
    const steady = offsetMs + performance.now();
    if (wall > steady) offsetMs += wall - steady;
    // What was told is not taken back, even where the monotonic clock breaks its word.
    latest = Math.max(latest, wall, Math.floor(steady));
    return latest;
  }

  return { now, setTimer: (delayMs, work) => startTimer(now, now() + delayMs, work) };
}
