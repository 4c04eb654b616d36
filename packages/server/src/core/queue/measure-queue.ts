import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Log } from "../../ports/log.ts";
import type { Metrics } from "../../ports/metrics.ts";
import { readQueueDepth } from "./statements/queue-depth.ts";

/** Tasks that are counted of each state: beyond it a queue is long, however long it is. */
const mostCounted = 100_000;
/** However often anybody asks, the store is asked no more often. */
const freshMs = 1_000;

/**
 * Tells how many tasks wait and how many are worked on, in the whole store, whenever a collector asks. A store that is
 * away is told of as well: a queue that was read long ago must not look like one of now.
 */
export function createMeasureQueue(deps: { database: Database; clock: Clock; log: Log; metrics: Metrics }) {
  const { database, clock, log, metrics } = deps;
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | null = null;

  async function read(): Promise<void> {
    try {
      const [depth] = await database.query(readQueueDepth, [mostCounted]);
      for (const [state, count] of Object.entries(depth ?? {}))
        metrics.gauge("muster_queue", count, { state });
      metrics.gauge("muster_queue_measured", 1, {});
      readAt = clock.now();
    } catch (error) {
      metrics.gauge("muster_queue_measured", 0, {});
      log.warn({ error }, "The queue could not be measured.");
    }
  }

  return async function measureQueue(): Promise<void> {
    if (clock.now() - readAt < freshMs) return;
    reading ??= read().finally(() => {
      reading = null;
    });
    await reading;
  };
}
