import { MusterError } from "@muster/sdk/protocol";
import pg from "pg";
import type { Database } from "../../../ports/database.ts";
import type { Log } from "../../../ports/log.ts";
import { createPgDatabase } from "../pg/create-pg-database.ts";
import { typeParsers } from "../pg/type-parsers.ts";
import type { Engine, EngineEvents, EngineOptions } from "./engine-options.ts";
import { EngineStream } from "./engine-stream.ts";
import { maintainStore } from "./maintain-store.ts";
import { createSingleConnection } from "./single-connection.ts";
import { createSnapshot } from "./snapshot-store.ts";
import { startEngineHere, startEngineInWorker } from "./start-engine.ts";
import { openStoreFolder } from "./store-folder.ts";

export interface PgliteOptions {
  /** Folder of the embedded store, created where it is missing; null keeps everything in memory. */
  dataDir: string | null;
  /** Where PostgreSQL runs: in a `worker`, or in the caller's own thread (`main`), as deterministic tests need it. */
  thread?: "worker" | "main";
  /** The longest that the work inside one transaction may take; 30 s when left out. */
  transactionMs?: number;
  /**
   * Refuses the database's use inside its own transaction at once; costly on Node 20. Left out: only with `thread:
   * "main"`, so that tests find it. Otherwise the end of the transaction's time finds it.
   */
  checkNesting?: boolean;
  /** Told, in sentences, what opening takes time for. */
  onProgress?: (sentence: string) => void;
  /** Told once when the store broke while it was in use. Every call fails from then on: end the process. */
  onFatal?: (error: MusterError) => void;
  /** Nobody else uses it meanwhile, so that a snapshot of it is a plain transaction. */
  still?: boolean;
  /** Path of another template than the built one; a path without a file makes the store from nothing. */
  template?: string;
  log?: Log;
}

/**
 * The embedded store: PostgreSQL as WebAssembly (PGlite), in a thread of this process, with its files in a folder
 * that no other process may open. One real `pg` client speaks PostgreSQL's wire protocol to it, through a stream
 * instead of a socket, so that everything above is the same as with a PostgreSQL server.
 *
 * Errors: `storage_locked` where another process has the folder, `unavailable` where it can't be read or written.
 */
export async function createPgliteDatabase(options: PgliteOptions): Promise<Database> {
  const { dataDir, onProgress = () => {} } = options;
  let fail = (_error: Error) => {};
  const folder = await openStoreFolder(dataDir, onProgress, (error) => fail(error), options.template);
  try {
    const link = await connect(folder.engine, options, (error) => fail(error));
    const source = createSingleConnection(link.client);
    let failed = false;
    fail = (cause) => {
      if (failed) return;
      failed = true;
      const error = asFatal(cause);
      options.log?.error({ err: error }, "The embedded store broke.");
      source.fail(error);
      link.stream.destroy(error);
      options.onFatal?.(error);
    };
    return createPgDatabase({
      source,
      embedded: true,
      checkNesting: options.checkNesting ?? options.thread === "main",
      ...(options.transactionMs === undefined ? {} : { transactionMs: options.transactionMs }),
      maintain: (database) => maintainStore(database, options.log),
      ...(dataDir === null || options.still === true
        ? {}
        : { snapshot: createSnapshot(dataDir, source, createPgliteDatabase, options.log) }),
      async close() {
        await source.close();
        try {
          if (failed) return;
          await link.client.end();
          await link.engine.close();
        } finally {
          await folder.release();
        }
      },
    });
  } catch (error) {
    await folder.release();
    throw error;
  }
}

interface Link {
  engine: Engine;
  stream: EngineStream;
  client: pg.Client;
}

/** Opens the engine and connects a client to it. */
async function connect(
  engineOptions: EngineOptions,
  { dataDir, thread }: PgliteOptions,
  onBroken: (error: Error) => void,
): Promise<Link> {
  let stream: EngineStream | undefined;
  const events: EngineEvents = { reply: (bytes) => stream?.receive(bytes), broken: onBroken };
  const start = thread === "main" ? startEngineHere : startEngineInWorker;
  const engine = await start(engineOptions, events).catch((error) => {
    throw cannotOpen(dataDir, error);
  });
  stream = new EngineStream(engine);
  const client = new pg.Client({ stream: () => stream, user: "postgres", types: typeParsers });
  // Whoever waits for an answer gets the error; without a listener it would also end the process.
  client.on("error", () => {});
  await client.connect();
  return { engine, stream, client };
}

function asFatal(cause: Error): MusterError {
  if (cause instanceof MusterError) return cause;
  return new MusterError("unavailable", `The embedded store broke: ${cause.message}`, {
    hint: "Start the process again. What was acknowledged is in the store; what was under way may or may not be.",
    cause,
  });
}

function cannotOpen(dataDir: string | null, cause: Error): MusterError {
  return new MusterError(
    "unavailable",
    dataDir === null
      ? `A database in memory could not be created: ${cause.message}`
      : `The store in ${dataDir} could not be opened: ${cause.message}`,
    {
      hint: `Its files are damaged or of another version. ${dataDir === null ? "Install Muster again." : `Restore ${dataDir} from a backup, or move it away and start anew.`}`,
      cause,
    },
  );
}
