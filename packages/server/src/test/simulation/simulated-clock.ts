import type { Clock } from "../../ports/clock.ts";

export interface SimulatedClockOptions {
  /** The time at the start; 1 January 2026, unless something else is said. */
  startAt?: number;
  /** Waits until what a timer set off has come to rest. Without it: some turns of the event loop. */
  settle?: () => Promise<void>;
}

/** Time that stands still until a simulation moves it. In whole milliseconds, as the database keeps them. */
export interface SimulatedClock extends Clock {
  /** Moves time on, and runs every timer that comes due on the way at its very moment. */
  advance(ms: number): Promise<void>;
  /** Moves time to the next timer and runs it. False where there is none, and time stands. */
  runNext(): Promise<boolean>;
  /** Timers that wait. */
  pending(): number;
}

interface WaitingTimer {
  dueAt: number;
  work: () => void;
}

/** Turns of the event loop after each timer; a chain of deliveries and promises of that length ends in it. */
const turnsToSettle = 10;
/** Timers that may run without time moving; beyond that they set each other off without end. */
const mostAtOnce = 100_000;

/**
 * A clock for simulations. Timers run one at a time, in the order of their time and then of their creation,
 * and what each sets off comes to rest before the next.
 */
export function createSimulatedClock(options: SimulatedClockOptions = {}): SimulatedClock {
  const settle = options.settle ?? turnTheLoop;
  /** In the order in which they run. */
  const timers: WaitingTimer[] = [];
  let now = options.startAt ?? Date.UTC(2026, 0, 1);
  let moving = false;
  let ranAtOnce = 0;

  function moveTo(at: number): void {
    if (at > now) ranAtOnce = 0;
    now = Math.max(now, at);
  }

  async function runFirst(): Promise<void> {
    const { dueAt, work } = timers.shift()!;
    moveTo(dueAt);
    ranAtOnce += 1;
    if (ranAtOnce > mostAtOnce)
      throw new Error(`${mostAtOnce} timers ran at ${now} and there is no end to them.`);
    work();
    await settle();
  }

  async function alone<T>(move: () => Promise<T>): Promise<T> {
    if (moving) throw new Error("Time is being moved already: await one move before the next.");
    moving = true;
    try {
      await settle();
      return await move();
    } finally {
      moving = false;
    }
  }

  return {
    now: () => now,
    setTimer(delayMs, work) {
      if (Number.isNaN(delayMs)) throw new RangeError("A timer needs a delay in milliseconds, not NaN.");
      const timer = { dueAt: Math.ceil(now + Math.max(0, delayMs)), work };
      timers.splice(placeOf(timer, timers), 0, timer);
      return {
        cancel() {
          const at = timers.indexOf(timer);
          if (at !== -1) timers.splice(at, 1);
        },
      };
    },
    advance: (ms) =>
      alone(async () => {
        if (!(ms >= 0)) throw new RangeError(`Time moves on by 0 ms or more, not by ${ms}.`);
        const until = now + ms;
        while (timers[0] !== undefined && timers[0].dueAt <= until) await runFirst();
        moveTo(until);
      }),
    runNext: () =>
      alone(async () => {
        const found = timers[0] !== undefined && timers[0].dueAt < Number.POSITIVE_INFINITY;
        if (found) await runFirst();
        return found;
      }),
    pending: () => timers.length,
  };
}

/** Behind every timer that is due at the same time or earlier. */
function placeOf(timer: WaitingTimer, timers: readonly WaitingTimer[]): number {
  const before = timers.findLastIndex((other) => other.dueAt <= timer.dueAt);
  return before + 1;
}

async function turnTheLoop(): Promise<void> {
  for (let turn = 0; turn < turnsToSettle; turn++) await new Promise((resolve) => setImmediate(resolve));
}
