import { createPgliteDatabase } from "../../adapters/database/pglite/create-pglite-database.ts";
import { eventEdge } from "../../core/queue/statements/events.ts";
import { loadMigrations } from "../../migrations/load-migrations.ts";
import { migrate } from "../../migrations/migrate.ts";
import type { Database, Statement } from "../../ports/database.ts";
import { createEmptying } from "../empty-store.ts";

/** Where worlds happen, one after the other. */
export interface WorldDatabase {
  database: Database;
  /** Takes away what the world before left behind. */
  empty(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The same answer without a look at the transactions of others: a world has one connection, and every event can be seen
 * at once.
 */
const edgeOfOne: Statement = {
  name: "world_event_edge",
  text: "select coalesce(max(seq), 0) as newest, '{}'::text[] as open from event",
};

/** No transaction is ended because the machine is slow: real time has no part in a world. */
const longestMs = 2 ** 31 - 1;

/** An embedded store in memory for many worlds. Statements are planned once for all of them. */
export async function createWorldDatabase(): Promise<WorldDatabase> {
  const store = await createPgliteDatabase({
    dataDir: null,
    thread: "main",
    checkNesting: false,
    transactionMs: longestMs,
  });
  await migrate(store, await loadMigrations());
  await store.execute("set plan_cache_mode = force_generic_plan");
  const empty = await createEmptying(store);
  return {
    database: {
      ...store,
      query: <Row>(statement: Statement<Row>, parameters?: Parameters<Database["query"]>[1]) =>
        store.query<Row>(
          statement.name === eventEdge.name ? (edgeOfOne as Statement<Row>) : statement,
          parameters,
        ),
    },
    empty,
    close: () => store.close(),
  };
}
