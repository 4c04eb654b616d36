import { limits } from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Log } from "../../ports/log.ts";
import type { Metrics } from "../../ports/metrics.ts";
import {
  beginAutonomyMark,
  type CountedDay,
  countAutonomyDays,
  readAutonomyMark,
} from "../queue/statements/autonomy.ts";

/** Events that one statement looks at, so that work is not held up. */
const eventsAtOnce = 1_000;
/** Statements of one pass; the next look goes on. */
const mostStatements = 500;

export interface CountAutonomyDependencies {
  database: Database;
  clock: Clock;
  log: Log;
  /** The number of the newest event behind which none is missing. */
  latest: () => Promise<number>;
  metrics?: Metrics;
}

/**
 * Counts the tasks that were completed, by day and capability, with and without a person. It follows the events, which are
 * written together with the ends that they tell of, behind a mark that moves in the statement that counts: the tasks pay
 * nothing for it, and neither a crash nor a second node counts one twice or leaves one out.
 */
export function createCountAutonomy({ database, clock, log, latest, metrics }: CountAutonomyDependencies) {
  let running: Promise<void> | null = null;
  let stopped = false;
  let countedUntil = Number.NEGATIVE_INFINITY;

  async function readMark(): Promise<number> {
    const [mark] = await database.query(readAutonomyMark);
    if (mark !== undefined) return mark.position;
    await database.query(beginAutonomyMark);
    return (await database.query(readAutonomyMark))[0]?.position ?? 0;
  }

  /** Counts what is behind the mark; says whether that was everything there was when it began. */
  async function pass(): Promise<boolean> {
    const began = clock.now();
    const newest = await latest();
    let position = await readMark();
    for (let statements = 0; position < newest && statements < mostStatements; statements++) {
      if (stopped) return false;
      const [moved] = await database.query(countAutonomyDays, [
        ...[position, newest, eventsAtOnce],
        limits.autonomyCapabilities,
      ]);
      // Another node counts them.
      if (moved === undefined) return false;
      position = moved.position;
      tell(moved.counted);
    }
    return position < newest ? false : atEnd(began);
  }

  function atEnd(began: number): boolean {
    countedUntil = began;
    return true;
  }

  function tell(counted: readonly CountedDay[]): void {
    for (const { capability, finished, with_people: withPeople } of counted) {
      metrics?.count("muster_tasks_finished", { capability, people: "no" }, finished - withPeople);
      metrics?.count("muster_tasks_finished", { capability, people: "yes" }, withPeople);
    }
  }

  return {
    /** Everything that there is to count now; false: more is left, or another node is at it. */
    pass,
    /** Counts, and does not wait for it. */
    look(): void {
      if (running !== null || stopped) return;
      running = pass()
        .then(() => undefined)
        .catch((error: unknown) => log.warn({ error }, "Finished tasks could not be counted; they will be."))
        .finally(() => {
          running = null;
        });
    },
    /** What ended before this moment was counted, and may be removed. */
    countedUntil: (): number => countedUntil,
    async stop(): Promise<void> {
      stopped = true;
      await running;
    },
  };
}

export type CountAutonomy = ReturnType<typeof createCountAutonomy>;
