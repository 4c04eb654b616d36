import { createDatabaseClock } from "../adapters/clock/database-clock.ts";
import { createSystemClock } from "../adapters/clock/system-clock.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import type { Log } from "../ports/log.ts";
import { refuseUnfinished } from "./unfinished-restore.ts";
import { untilReached } from "./until-reached.ts";

export interface DatabaseOptions {
  databaseUrl?: string | undefined;
  databaseConnections?: number | undefined;
  /** Folder of the embedded store; null keeps everything in memory. */
  dataDir: string | null;
  /** Whether other nodes may use the same database. */
  shared: boolean;
  startMs: number;
  log: Log;
  onProgress: (sentence: string) => void;
  onFatal: (error: Error) => void;
}

export interface OpenDatabase {
  database: Database;
  clock: Clock;
  close(): Promise<void>;
}

/** A PostgreSQL server where there is one, else the embedded store. */
export function openDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  return options.databaseUrl === undefined ? openEmbedded(options) : openServer(options, options.databaseUrl);
}

async function openEmbedded({ dataDir, log, onProgress, onFatal }: DatabaseOptions): Promise<OpenDatabase> {
  if (dataDir !== null) await refuseUnfinished(dataDir);
  const { createPgliteDatabase } = await import("../adapters/database/pglite/create-pglite-database.ts");
  const database = await createPgliteDatabase({ dataDir, log, onProgress, onFatal });
  return { database, clock: createSystemClock(), close: () => database.close() };
}

async function openServer(options: DatabaseOptions, url: string): Promise<OpenDatabase> {
  const { log, startMs, onProgress, onFatal } = options;
  const { createPostgresDatabase } = await import(
    "../adapters/database/postgres/create-postgres-database.ts"
  );
  const { holdDatabase } = await import("../adapters/database/postgres/hold-database.ts");
  const wait = (reason: string) => onProgress(`waiting for PostgreSQL: ${reason}`);
  // Who may use the database is settled before anything in it is touched.
  const hold = await untilReached(
    () => holdDatabase({ url, shared: options.shared, log, onLost: onFatal }),
    startMs,
    wait,
  );
  try {
    const connections = options.databaseConnections;
    const database = await untilReached(
      () => createPostgresDatabase({ url, log, ...(connections === undefined ? {} : { connections }) }),
      startMs,
      wait,
    );
    const clock = await createDatabaseClock({ database, log }).catch(async (error) => {
      await database.close();
      throw error;
    });
    return {
      database,
      clock,
      async close() {
        clock.stop();
        await database.close();
        await hold.release();
      },
    };
  } catch (error) {
    await hold.release();
    throw error;
  }
}
