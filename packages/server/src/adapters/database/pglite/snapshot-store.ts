import { join } from "node:path";
import { MusterError } from "@muster/sdk/protocol";
import type { Database, Queryable } from "../../../ports/database.ts";
import type { Log } from "../../../ports/log.ts";
import type { ConnectionSource } from "../pg/connection-source.ts";
import { createFolderCopy, forgetSnapshot, snapshotPath } from "./snapshot-folder.ts";

/** The longest that a snapshot may be read. */
const longestMs = 12 * 3_600_000;
/** The checkpoint before the copy leaves little to copy twice. */
const checkpoint = "CHECKPOINT";

type Open = (options: { dataDir: string; transactionMs: number; still: true }) => Promise<Database>;

/**
 * Reads a store as it is at one moment, while others go on with it. It has one connection, and a transaction on that
 * would hold everybody up for as long as the reading takes. So its files are copied: most of them while work goes on, and
 * what changed meanwhile in a short pause, in which nobody has the connection. What is copied is what a crash at that
 * moment would leave, and a second engine opens it as it opens a store after a crash.
 */
export function createSnapshot(dataDir: string, source: ConnectionSource, open: Open, log?: Log) {
  let busy = false;

  async function copyStore(): Promise<void> {
    await forgetSnapshot(dataDir);
    const copy = createFolderCopy(join(dataDir, "db"), join(snapshotPath(dataDir), "db"));
    const before = await source.acquire();
    await before.query(checkpoint).finally(() => source.release(before, false));
    await copy.first();
    const client = await source.acquire();
    const from = performance.now();
    await copy.second().finally(() => source.release(client, false));
    log?.info(
      { pauseMs: Math.round(performance.now() - from) },
      "Work paused while a snapshot was finished.",
    );
  }

  return async function snapshot<T>(work: (reader: Queryable) => Promise<T>): Promise<T> {
    if (busy) throw alreadyRead();
    busy = true;
    try {
      await copyStore();
      const database = await open({ dataDir: snapshotPath(dataDir), transactionMs: longestMs, still: true });
      try {
        return await database.snapshot(work);
      } finally {
        await database.close();
      }
    } finally {
      await forgetSnapshot(dataDir).finally(() => {
        busy = false;
      });
    }
  };
}

const alreadyRead = (): MusterError =>
  new MusterError("conflict", "A snapshot of this store is being read already.", {
    hint: "Wait until it is done, then try again.",
  });
