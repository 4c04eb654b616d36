import type pg from "pg";
import {
  type EventRow,
  findDoubled,
  findEarly,
  findGaps,
  findOverbooked,
  readEvents,
} from "../cluster/support/invariants.ts";
import type { SeenEvent } from "../cluster/support/watcher.ts";
import type { Fate, SoakLoad } from "./soak-load.ts";

/** Transactions that were under way so long ago have ended, whatever froze meanwhile. */
const settledMs = 30_000;

/**
 * Reads events before they are pruned, judges what needs the tables at once, and keeps what is judged at the end. Where it
 * could not look for longer than events are kept (`retentionMs`), that is what it says, and judges nothing.
 */
export function createAudit(database: pg.Pool, after: number, retentionMs: number) {
  const events: EventRow[] = [];
  const violations: string[] = [];
  let readAt = Date.now();
  let longestMs = 0;

  async function readOn(olderThanMs: number): Promise<void> {
    const last = events.at(-1)?.seq ?? after;
    const now = Date.now();
    const before = now - olderThanMs;
    const fresh = await readEvents(database, last);
    longestMs = Math.max(longestMs, now - readAt);
    readAt = now;
    const end = fresh.findIndex(({ at }) => at > before);
    const settled = end < 0 ? fresh : fresh.slice(0, end);
    if (settled.length === 0) return;
    violations.push(...(await findEarly(database, last)));
    for (const event of settled) events.push(event);
  }

  return {
    /** A look while work goes on; the database may be away. */
    look: () => readOn(settledMs).catch(() => undefined),
    /** The last look, when nothing goes on, and everything that is wrong. */
    async judge(load: SoakLoad, watched: readonly (readonly SeenEvent[])[]): Promise<string[]> {
      await readOn(0);
      if (longestMs + settledMs > retentionMs)
        return [`nothing can be said: events could not be read for ${Math.round(longestMs / 1_000)} s`];
      return [
        ...new Set(violations),
        ...findDoubled(events),
        ...(await findOverbooked(database, events)),
        ...watched.flatMap((seen, index) => findGaps(events, seen, index + 1)),
        ...judgeFates(events, load.fates),
        ...judgeRuns(events, load.runs),
      ];
    },
    count: () => events.length,
  };
}

function judgeFates(events: readonly EventRow[], fates: ReadonlyMap<string, Fate>): string[] {
  const ends = new Map<string, string>();
  for (const { type, task_id } of events) {
    const [, fate] = /^task\.(completed|failed|cancelled)$/.exec(type) ?? [];
    if (task_id !== null && fate !== undefined) ends.set(task_id, fate);
  }
  return [...fates]
    .filter(([id, fate]) => ends.get(id) !== fate)
    .map(([id, fate]) => `task ${id} should be ${fate} and is ${ends.get(id) ?? "not over"}`)
    .slice(0, 20);
}

function judgeRuns(events: readonly EventRow[], runs: ReadonlySet<string>): string[] {
  const ended = events.filter(({ type }) => type === "run.completed").map(({ run_id }) => run_id);
  const counts = new Map<string | null, number>();
  for (const id of ended) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [...runs]
    .filter((id) => counts.get(id) !== 1)
    .map((id) => `run ${id} completed ${counts.get(id) ?? 0} times`)
    .slice(0, 20);
}
