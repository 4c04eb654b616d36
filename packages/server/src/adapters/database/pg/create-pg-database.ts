import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as pause } from "node:timers/promises";
import type { ClientBase, QueryConfig } from "pg";
import type { Database, Queryable } from "../../../ports/database.ts";
import type { ConnectionSource } from "./connection-source.ts";
import { isConnectionLost, isTransactionConflict, translateError, wasUndone } from "./pg-errors.ts";
import { runStatement } from "./run-statement.ts";
import { begin, runTransaction } from "./transaction.ts";

/** Runs of one statement or transaction, the first included, before its failure is passed on. */
const mostRuns = 5;
/** The pause before the second run; it grows with the square of the runs. */
const pauseMs = 5;
/** The longest that a script may take, as a migration of a large table does. */
const scriptMs = 3_600_000;

/** The part of the port that upkeep needs. */
export type Maintainable = Pick<Database, "query" | "execute">;

export interface PgDatabaseOptions {
  source: ConnectionSource;
  /** The longest that the work inside one transaction may take; 30 s when left out. */
  transactionMs?: number;
  /**
   * Whether the database's use inside its own transaction is refused at once. That takes following every promise
   * of the process, which makes each dearer (40 to 130 ns on Node 20). Without it such a transaction waits for itself
   * until `transactionMs` end it.
   */
  checkNesting: boolean;
  maintain(database: Maintainable): Promise<void>;
  /** Runs `work` on one state of everything, beside the others. Left out: on a connection that is theirs, too. */
  snapshot?<T>(work: (reader: Queryable) => Promise<T>): Promise<T>;
  /** Ends the connections and whatever is behind them. */
  close(): Promise<void>;
  /** The database is in this process. */
  embedded?: true;
}

/**
 * The `Database` port over the `pg` driver. What differs between the embedded store and a server is only where
 * connections come from; naming, types, transactions and errors are here and the same for both.
 */
export function createPgDatabase(options: PgDatabaseOptions): Database {
  const { source, transactionMs = 30_000, checkNesting } = options;
  const enclosing = new AsyncLocalStorage<{ active: boolean }>();
  let closing: Promise<void> | undefined;

  const withConnection = async <T>(use: (client: ClientBase) => Promise<T>): Promise<T> => {
    if (enclosing.getStore()?.active) throw usedInsideItsTransaction();
    let broken = false;
    const client = await source.acquire();
    try {
      return await use(client);
    } catch (error) {
      broken = isConnectionLost(error);
      throw error;
    } finally {
      source.release(client, broken);
    }
  };

  const runOnce = async <T>(work: (tx: Queryable) => Promise<T>, beginning?: string) => {
    if (enclosing.getStore()?.active) throw usedInsideItsTransaction();
    const scope = { active: true };
    const client = await source.acquire();
    let broken = true;
    try {
      const run = () => runTransaction(client, work, transactionMs, beginning);
      const outcome = await (checkNesting ? enclosing.run(scope, run) : run());
      broken = "failure" in outcome && outcome.failure.broken;
      return outcome;
    } finally {
      scope.active = false;
      source.release(client, broken);
    }
  };

  const database: Database = {
    ...(options.embedded === true && { embedded: true }),
    async query(statement, parameters) {
      for (let run = 1; ; run++) {
        try {
          return await withConnection((client) => runStatement(client, statement, parameters));
        } catch (error) {
          const passing = isTransactionConflict(error) || wasUndone(error);
          if (!passing || run === mostRuns) throw translateError(error);
        }
        await pause(run * run * pauseMs);
      }
    },
    async transaction(work) {
      for (let run = 1; ; run++) {
        const outcome = await runOnce(work);
        if ("value" in outcome) return outcome.value;
        const { error, passing } = outcome.failure;
        if (!passing || run === mostRuns) throw translateError(error);
        await pause(run * run * pauseMs);
      }
    },
    async execute(script) {
      try {
        // The driver knows this bound; its types do not.
        const query: QueryConfig & { query_timeout: number } = { text: script, query_timeout: scriptMs };
        await withConnection((client) => client.query(query));
      } catch (error) {
        throw translateError(error);
      }
    },
    async snapshot(work) {
      if (options.snapshot !== undefined) return options.snapshot(work);
      const outcome = await runOnce(work, begin.look);
      if ("value" in outcome) return outcome.value;
      throw translateError(outcome.failure.error);
    },
    maintain: () => options.maintain(database),
    close() {
      closing ??= options.close();
      return closing;
    },
  };
  return database;
}

function usedInsideItsTransaction(): Error {
  return new Error(
    "The database was used inside one of its own transactions and would wait for itself: use the query of the transaction.",
  );
}
