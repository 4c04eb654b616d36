import { limits } from "@muster/sdk/protocol";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Database, Statement } from "../../ports/database.ts";
import type { Log } from "../../ports/log.ts";
import { createExpireArtifacts } from "../artifacts/expire-artifacts.ts";
import { pruneAutonomy } from "../queue/statements/autonomy.ts";
import { pruneBreakers } from "../queue/statements/breakers.ts";
import { pruneSpending } from "../queue/statements/budgets.ts";
import { forgetDead } from "../queue/statements/dead-letters.ts";
import { pruneMemories } from "../queue/statements/memories.ts";
import { pruneEvents, pruneKeys, pruneRuns, pruneTasks } from "../queue/statements/prune.ts";
import { pruneLocks } from "../queue/statements/read-locks.ts";
import { pruneBudgets } from "../queue/statements/retry-budgets.ts";
import { pruneRollouts } from "../queue/statements/rollouts.ts";
import { pruneSchedules } from "../queue/statements/schedules.ts";
import { pruneState } from "../queue/statements/state.ts";
import { pruneTriggerStarts } from "../queue/statements/triggers.ts";

/** Rows removed by one statement, and statements per table in one go, so that work is not held up. */
const rowsAtOnce = 500;
const mostStatements = 20;
/** Removed or ended rows after which the store is vacuumed and checkpointed. */
const maintainEveryMs = 300_000;

/** What is left of a lock that nobody takes any more is kept for this long. */
const freeLockMs = 600_000;
const dayMs = 24 * 3_600_000;
/** Dead letters kept; of more, the oldest are ordinary failed tasks again. */
const mostDead = 10_000;
/** A budget that nobody used for this long is full again, and need not be remembered. */
const idleBudgetMs = 3_600_000;

export interface PruneDependencies {
  database: Database;
  blobs: BlobStore;
  log: Log;
  /** How long ended tasks, runs and events are kept; 7 days. */
  retentionMs?: number | undefined;
  /** How long dead letters are kept, if nobody sees to them; 30 days, or `retentionMs` where that is longer. */
  deadRetentionMs?: number | undefined;
  /** How long artifacts are kept; 0, for ever, by default. */
  artifactRetentionMs?: number | undefined;
}

/** Removes what has been over for long enough, and lets the engine clean up behind it. */
export function createPrune({ database, blobs, log, ...kept }: PruneDependencies) {
  const { retentionMs = 7 * dayMs } = kept;
  const { deadRetentionMs = Math.max(retentionMs, 30 * dayMs) } = kept;
  const expireArtifacts = createExpireArtifacts(blobs, kept.artifactRetentionMs ?? 0);
  let lastMaintained: number | null = null;

  function storeIsAway(error: unknown): number {
    log.warn(
      { error },
      "Artifacts that are past their age could not be deleted; the next round will try again.",
    );
    return 0;
  }

  async function remove<Row>(statement: Statement<Row>, before: number): Promise<number> {
    let removed = 0;
    for (let round = 0; round < mostStatements; round++) {
      const rows = await database.query(statement, [before, rowsAtOnce]);
      removed += rows.length;
      if (rows.length < rowsAtOnce) break;
    }
    return removed;
  }

  /** Tasks and events are kept at least until what ended was counted. */
  return async function prune(now: number, countedUntil: number): Promise<void> {
    const before = now - retentionMs;
    const counted = Math.min(before, countedUntil);
    await database.query(forgetDead, [now - deadRetentionMs, rowsAtOnce * mostStatements, mostDead]);
    const removed = {
      tasks: await remove(pruneTasks, counted),
      runs: await remove(pruneRuns, before),
      spending: await remove(pruneSpending, before),
      events: await remove(pruneEvents, counted),
      keys: await remove(pruneKeys, before),
      schedules: await remove(pruneSchedules, before),
      triggered: await remove(pruneTriggerStarts, before),
      documents: await remove(pruneState, before),
      memories: await remove(pruneMemories, now),
      breakers: await remove(pruneBreakers, before),
      budgets: await remove(pruneBudgets, now - idleBudgetMs),
      rollouts: await remove(pruneRollouts, before),
      days: await remove(pruneAutonomy, Math.floor(now / dayMs) - limits.autonomyDays),
      locks: await remove(pruneLocks, now - freeLockMs),
      artifacts: await expireArtifacts(now).catch(storeIsAway),
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
