import type { Database, Statement } from "../../ports/database.ts";
import type { Log } from "../../ports/log.ts";
import { pruneEvents, pruneKeys, pruneRuns, pruneTasks } from "../queue/statements/prune.ts";

/** Rows removed by one statement, and statements per table in one go, so that work is not held up. */
const rowsAtOnce = 500;
const mostStatements = 20;
/** Removed or ended rows after which the store is vacuumed and checkpointed. */
const maintainEveryMs = 300_000;

export interface PruneDependencies {
  database: Database;
  log: Log;
  /** How long ended tasks, runs and events are kept. */
  retentionMs: number;
}

/** Removes what has been over for long enough, and lets the engine clean up behind it. */
export function createPrune({ database, log, retentionMs }: PruneDependencies) {
  let lastMaintained: number | null = null;

  async function remove(statement: Statement, before: number): Promise<number> {
    let removed = 0;
    for (let round = 0; round < mostStatements; round++) {
      const rows = await database.query(statement, [before, rowsAtOnce]);
      removed += rows.length;
      if (rows.length < rowsAtOnce) break;
    }
    return removed;
  }

  return async function prune(now: number): Promise<void> {
    const before = now - retentionMs;
    const removed = {
      tasks: await remove(pruneTasks, before),
      runs: await remove(pruneRuns, before),
      events: await remove(pruneEvents, before),
      keys: await remove(pruneKeys, before),
    };
    if (Object.values(removed).some((count) => count > 0))
      log.info(removed, "Removed what is past its retention.");
    lastMaintained ??= now;
    if (now - lastMaintained < maintainEveryMs) return;
    lastMaintained = now;
    await database.maintain();
  };
}

export type Prune = ReturnType<typeof createPrune>;
