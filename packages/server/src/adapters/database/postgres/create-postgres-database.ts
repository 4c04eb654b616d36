import { MusterError } from "@muster/sdk/protocol";
import pg from "pg";
import type { Database } from "../../../ports/database.ts";
import type { Log } from "../../../ports/log.ts";
import { createPgDatabase } from "../pg/create-pg-database.ts";
import { typeParsers } from "../pg/type-parsers.ts";

export interface PostgresOptions {
  /** As `postgres://host:port/database`, with user and password where the server wants them. */
  url: string;
  /** Connections at once. A few per core are best; more of them hurt. */
  connections?: number;
  /** The longest that the work inside one transaction may take; 30 s when left out. */
  transactionMs?: number;
  /** Refuses the database's use inside its own transaction at once; costly on Node 20. */
  checkNesting?: boolean;
  log?: Log;
}

/** How long a call waits for a connection before it fails as `unavailable`. */
const connectMs = 10_000;
/** The server ends statements that run for longer, so that a lost client holds no locks. */
const statementMs = 60_000;

/**
 * A PostgreSQL server (15 or later) as the database, through a pool of connections. It vacuums and checkpoints by
 * itself. Resolves once a first connection stands; `unavailable` where none does.
 */
export async function createPostgresDatabase(options: PostgresOptions): Promise<Database> {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.connections ?? 4,
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    idle_in_transaction_session_timeout: statementMs,
    application_name: "muster",
    types: typeParsers,
  });
  // An idle connection that breaks is replaced; without a listener it would end the process.
  pool.on("error", (error) => options.log?.warn({ err: error }, "A connection to PostgreSQL was lost."));
  // One that breaks in use tells whoever uses it; the event is for nobody, but needs a listener too.
  pool.on("connect", (client) => client.on("error", () => {}));
  const client = await pool.connect().catch(async (error) => {
    await pool.end();
    throw new MusterError("unavailable", `PostgreSQL could not be reached: ${error.message}`, {
      hint: "Check the address, the password and that the server is running.",
      cause: error,
    });
  });
  client.release();
  return createPgDatabase({
    source: {
      acquire: () => pool.connect(),
      release: (taken, broken) => (taken as pg.PoolClient).release(broken),
    },
    ...(options.transactionMs === undefined ? {} : { transactionMs: options.transactionMs }),
    checkNesting: options.checkNesting ?? false,
    maintain: async () => {},
    close: () => pool.end(),
  });
}
