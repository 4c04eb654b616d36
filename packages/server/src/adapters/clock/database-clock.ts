import type { Clock } from "../../ports/clock.ts";
import type { Database, Statement } from "../../ports/database.ts";
import type { Log } from "../../ports/log.ts";
import { startTimer } from "./start-timer.ts";

export interface DatabaseClockOptions {
  database: Pick<Database, "query">;
  log?: Log;
  /** Counts milliseconds and is never set; the process's own when left out. */
  steady?: () => number;
}

export interface DatabaseClock extends Clock {
  /** Measures no more. The clock goes on as it is. */
  stop(): void;
}

const readClock: Statement<{ at: number }> = {
  name: "read_clock",
  text: "select extract(epoch from clock_timestamp())::float8 * 1000 as at",
};

/** Questions in one measurement; the one that was answered soonest counts. */
const samples = 5;
const measureEveryMs = 30_000;
const measureAgainMs = 5_000;
/** A later measurement that took longer than this says too little to act on. */
const longestRoundTripMs = 1_000;
/** How much faster or slower than time the clock goes while it is put right. */
const slew = 0.5;
/** Further behind than this the process was not running for a while, and putting it right gently would take too long. */
const leapMs = 10_000;

interface Measurement {
  /** What to add to the steady clock to get the database's time. */
  offsetMs: number;
  /** The offset is true to half of this. */
  roundTripMs: number;
}

/**
 * The database's clock as this process knows it, so that all nodes agree on when a lease ends, whatever their own
 * clocks say. It counts with a steady clock, which nobody sets, and adds an offset that is measured again and again.
 * A difference is put right by going a little faster or slower, so that time never runs backwards and leases
 * that are being renewed survive even a database clock that was set. Timers count steady time: they are not touched.
 *
 * Resolves after the first measurement; the database's errors are passed on.
 */
export async function createDatabaseClock(options: DatabaseClockOptions): Promise<DatabaseClock> {
  const { database, log, steady = () => performance.now() } = options;
  const first = await measure(database, steady);
  let offsetMs = first.offsetMs;
  let targetMs = first.offsetMs;
  let lastSteady = steady();
  let latest = 0;
  let away = false;
  let stopped = false;
  let next: NodeJS.Timeout | undefined;

  function now(): number {
    const at = steady();
    const most = Math.max(0, at - lastSteady) * slew;
    offsetMs += Math.min(most, Math.max(-most, targetMs - offsetMs));
    lastSteady = at;
    latest = Math.max(latest, Math.floor(at + offsetMs));
    return latest;
  }

  function follow({ offsetMs: measured, roundTripMs }: Measurement): void {
    now();
    const differenceMs = measured - offsetMs;
    // Less than the measurement can tell is no difference.
    if (roundTripMs > longestRoundTripMs || Math.abs(differenceMs) <= roundTripMs / 2) return;
    targetMs = measured;
    if (differenceMs > leapMs) offsetMs = measured;
    if (Math.abs(differenceMs) > longestRoundTripMs)
      log?.warn(
        { differenceMs: Math.round(differenceMs) },
        "The database's clock and this node's count differ.",
      );
  }

  async function keepUp(): Promise<void> {
    try {
      follow(await measure(database, steady));
      away = false;
    } catch (error) {
      if (!away) log?.warn({ err: error }, "The database's clock could not be read; this node counts on.");
      away = true;
    }
    plan(away ? measureAgainMs : measureEveryMs);
  }

  function plan(delayMs: number): void {
    if (stopped) return;
    next = setTimeout(keepUp, delayMs);
    next.unref();
  }

  plan(measureEveryMs);
  return {
    now,
    setTimer: (delayMs, work) => startTimer(steady, steady() + delayMs, work),
    stop() {
      stopped = true;
      clearTimeout(next);
    },
  };
}

async function measure(database: Pick<Database, "query">, steady: () => number): Promise<Measurement> {
  let best: Measurement | undefined;
  for (let sample = 0; sample < samples; sample++) {
    const from = steady();
    const [row] = await database.query(readClock);
    const to = steady();
    const roundTripMs = to - from;
    // The database read its clock some time between question and answer: half-way is least wrong.
    const offsetMs = (row?.at ?? Number.NaN) - (from + to) / 2;
    if (!Number.isFinite(offsetMs)) throw new Error("The database did not tell the time.");
    if (best === undefined || roundTripMs < best.roundTripMs) best = { offsetMs, roundTripMs };
  }
  return best as Measurement;
}
