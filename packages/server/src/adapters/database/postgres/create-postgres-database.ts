import type { Database, Queryable } from "../../../ports/database.ts";
import type { Log } from "../../../ports/log.ts";
import { createPgDatabase } from "../pg/create-pg-database.ts";
import { translateError } from "../pg/pg-errors.ts";
import { begin, runTransaction } from "../pg/transaction.ts";
import { typeParsers } from "../pg/type-parsers.ts";
import { connectionConfig, connectPostgres } from "./connect-postgres.ts";
import { createConnectionPool } from "./connection-pool.ts";
import { prepareConnection } from "./prepare-connection.ts";
import { readDatabaseUrl } from "./read-database-url.ts";

export interface PostgresOptions {
  /** As `postgres://user:password@host:port/database?sslmode=…`: see `readDatabaseUrl`. */
  url: string;
  /** Connections at once. A few per core of the server are best; more of them hurt. */
  connections?: number;
  /** The longest that the work inside one transaction may take; 30 s when left out. */
  transactionMs?: number;
  /** How long a call waits for a server that is away before it fails as `unavailable`; 10 s when left out. */
  waitMs?: number;
  /** How long a statement may go without an answer before its connection is given up; 20 s when left out. */
  answerMs?: number;
  /**
   * How long the server may say nothing when it is asked whether it is there, which it is where a call waits; 2 s when
   * left out, so that calls fail soon. For work of hours that is better delayed than undone: longer.
   */
  patienceMs?: number;
  /** Refuses the database's use inside its own transaction at once; costly on Node 20. */
  checkNesting?: boolean;
  log?: Log;
}

/** The longest that reading a snapshot may take, and one statement of it. */
const snapshotMs = 12 * 3_600_000;

/**
 * A PostgreSQL server (15 or later) as the database, through a pool of connections. It vacuums and checkpoints by
 * itself. Resolves once a first connection stands.
 *
 * Errors: `unavailable` where none does, and of every call where the server does not answer any more, `invalid_request` for a URL that can't be read, `conflict` for a server that is
 * too old or a database that does not keep UTF8.
 */
export async function createPostgresDatabase(options: PostgresOptions): Promise<Database> {
  const { url, connections = 4, waitMs = 10_000, log } = options;
  const pool = createConnectionPool({
    config: {
      ...connectionConfig(url, options.answerMs === undefined ? {} : { answerMs: options.answerMs }),
      types: typeParsers,
    },
    connections,
    prepare: prepareConnection,
    shown: readDatabaseUrl(url).shown,
    waitMs,
    patienceMs: options.patienceMs,
    log,
  });
  try {
    pool.release(await pool.acquire(), false);
  } catch (error) {
    await pool.close();
    throw error;
  }
  return createPgDatabase({
    source: pool,
    ...(options.transactionMs === undefined ? {} : { transactionMs: options.transactionMs }),
    checkNesting: options.checkNesting ?? false,
    maintain: async () => {},
    snapshot: (work) => lookAt(url, work),
    close: () => pool.close(),
  });
}

/**
 * Reads on a connection of its own, beside the pool. The transaction changes nothing, so it has no number and holds up
 * no reader of events; what it keeps is old versions of rows from being vacuumed.
 */
async function lookAt<T>(url: string, work: (reader: Queryable) => Promise<T>): Promise<T> {
  const client = await connectPostgres(url, { name: "muster snapshot", answerMs: snapshotMs });
  try {
    const outcome = await runTransaction(client, work, snapshotMs, begin.look);
    if ("value" in outcome) return outcome.value;
    throw translateError(outcome.failure.error);
  } finally {
    await client.end().catch(() => {});
  }
}
