import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as pause } from "node:timers/promises";
import type { ClientBase } from "pg";
import type { Database, Queryable } from "../../../ports/database.ts";
import type { ConnectionSource } from "./connection-source.ts";
import { isConnectionLost, translateError } from "./pg-errors.ts";
import { runStatement } from "./run-statement.ts";
import { runTransaction } from "./transaction.ts";

/** Runs of one transaction, the first included, before a conflict is passed on. */
const transactionRuns = 5;

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
  /** Ends the connections and whatever is behind them. */
  close(): Promise<void>;
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
    let client: ClientBase | undefined;
    try {
      client = await source.acquire();
      return await use(client);
    } catch (error) {
      broken = isConnectionLost(error);
      throw translateError(error);
    } finally {
      if (client) source.release(client, broken);
    }
  };

  const runOnce = async <T>(work: (tx: Queryable) => Promise<T>) => {
    if (enclosing.getStore()?.active) throw usedInsideItsTransaction();
    const scope = { active: true };
    const client = await source.acquire();
    let broken = true;
    try {
      const run = () => runTransaction(client, work, transactionMs);
      const outcome = await (checkNesting ? enclosing.run(scope, run) : run());
      broken = "failure" in outcome && outcome.failure.broken;
      return outcome;
    } finally {
      scope.active = false;
      source.release(client, broken);
    }
  };

  const database: Database = {
    query: (statement, parameters) => withConnection((client) => runStatement(client, statement, parameters)),
    async transaction(work) {
      for (let run = 1; ; run++) {
        const outcome = await runOnce(work);
        if ("value" in outcome) return outcome.value;
        const { error, conflict } = outcome.failure;
        if (!conflict || run === transactionRuns) throw translateError(error);
        await pause(run * run * 5);
      }
    },
    execute: (script) =>
      withConnection(async (client) => {
        await client.query(script);
      }),
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
