import { existsSync } from "node:fs";
import { join } from "node:path";
import { MusterError } from "@muster/sdk/protocol";
import { type CopyReport, copyStore } from "../migrate-store/copy-store.ts";
import { loadMigrations } from "../migrations/load-migrations.ts";
import type { Database } from "../ports/database.ts";
import type { Log } from "../ports/log.ts";

export type { CopyReport } from "../migrate-store/copy-store.ts";

export interface MigrateStoreOptions {
  /** Each a data folder, or a database as `postgres://…`. */
  from: string;
  to: string;
  dryRun?: boolean;
  /** Replaces what the target holds. */
  force?: boolean;
  onProgress?: (sentence: string) => void;
}

/** A copy is one transaction and one question at a time; both may take long. */
const longestMs = 24 * 3_600_000;
/** Such work is better delayed by a line that is silent for a while than undone. */
const linePatienceMs = 60_000;
const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

interface Store {
  database: Database;
  close(): Promise<void>;
}

/**
 * Moves a store between a data folder and a PostgreSQL server, either way: see `copyStore`. Both are held for that
 * time, so `storage_locked` where a node uses one of them.
 */
export async function migrateStore(options: MigrateStoreOptions): Promise<CopyReport> {
  const { dryRun = false, force = false, onProgress = () => {} } = options;
  if (options.from === options.to) throw ontoItself();
  const opened: Store[] = [];
  const open = async (place: string): Promise<Database> => {
    const store = isServer(place) ? await openServer(place) : await openFolder(place, onProgress);
    opened.push(store);
    return store.database;
  };
  try {
    if (!isServer(options.from) && !hasStore(options.from)) throw noStore(options.from);
    const from = await open(options.from);
    // A rehearsal makes no folder.
    const missing = dryRun && !isServer(options.to) && !hasStore(options.to);
    const to = missing ? null : await open(options.to);
    return await copyStore({ from, to, migrations: await loadMigrations(), dryRun, force, onProgress });
  } finally {
    for (const store of opened.reverse()) await store.close();
  }
}

const isServer = (place: string): boolean => /^postgres(ql)?:\/\//.test(place);
const hasStore = (dataDir: string): boolean => existsSync(join(dataDir, "db", "PG_VERSION"));

async function openFolder(dataDir: string, onProgress: (sentence: string) => void): Promise<Store> {
  const { createPgliteDatabase } = await import("../adapters/database/pglite/create-pglite-database.ts");
  const database = await createPgliteDatabase({ dataDir, onProgress, transactionMs: longestMs });
  return { database, close: () => database.close() };
}

async function openServer(url: string): Promise<Store> {
  const { createPostgresDatabase } = await import(
    "../adapters/database/postgres/create-postgres-database.ts"
  );
  const { holdDatabase } = await import("../adapters/database/postgres/hold-database.ts");
  // Should the hold be lost on the way, the locks of the copy keep writers away all the same.
  const hold = await holdDatabase({ url, shared: false, log: silent, onLost: () => {} });
  try {
    const database = await createPostgresDatabase({
      url,
      connections: 1,
      transactionMs: longestMs,
      answerMs: longestMs,
      patienceMs: linePatienceMs,
    });
    const close = async () => {
      await database.close();
      await hold.release();
    };
    return { database, close };
  } catch (error) {
    await hold.release();
    throw error;
  }
}

const ontoItself = (): MusterError =>
  new MusterError("invalid_request", "A store can't be moved onto itself: --from and --to are the same.");

const noStore = (dataDir: string): MusterError =>
  new MusterError("not_found", `There is no store in ${dataDir}.`, {
    hint: "Name its folder with --from.",
  });
