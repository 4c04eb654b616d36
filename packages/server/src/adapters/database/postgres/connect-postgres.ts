import pg from "pg";
import { typeParsers } from "../pg/type-parsers.ts";
import { describeRefusal } from "./describe-refusal.ts";
import { prepareConnection } from "./prepare-connection.ts";
import { readDatabaseUrl } from "./read-database-url.ts";

/** How long one attempt to connect may take. */
const connectMs = 10_000;
/** The server ends a statement sooner; one without an answer for this long has a connection that is dead. */
const answerMs = 20_000;
/** The other end is asked for a sign of life when nothing came for this long. */
const keepAliveMs = 10_000;

export interface ConnectOptions {
  /** What the server's list of connections shows; without it what the URL says, or `muster`. */
  name?: string;
  /** How long a statement may go without an answer, 20 s when left out. */
  answerMs?: number;
}

/** What every connection to the server of `url` has in common, for the driver. */
export function connectionConfig(url: string, options: ConnectOptions = {}): pg.PoolConfig {
  const { config } = readDatabaseUrl(url);
  return {
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    query_timeout: options.answerMs ?? answerMs,
    ...config,
    application_name: options.name ?? config.application_name ?? "muster",
  };
}

/**
 * A connection for those who need one of their own, beside the pool. The caller ends it. One that breaks while nothing
 * is under way says so by its `end` event.
 *
 * Errors: as for `createPostgresDatabase`.
 */
export async function connectPostgres(url: string, options: ConnectOptions = {}): Promise<pg.Client> {
  const client = new pg.Client({ ...connectionConfig(url, options), types: typeParsers });
  // What is under way gets the error; without a listener it would also end the process.
  client.on("error", () => {});
  try {
    await client.connect();
    await prepareConnection(client);
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    throw describeRefusal(error, readDatabaseUrl(url).shown).error;
  }
}
