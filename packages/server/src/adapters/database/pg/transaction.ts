import { MusterError } from "@muster/sdk/protocol";
import type { ClientBase } from "pg";
import type { Queryable } from "../../../ports/database.ts";
import { isConnectionLost, isTransactionConflict } from "./pg-errors.ts";
import { runStatement } from "./run-statement.ts";

/** Why one run of a transaction came to nothing, and what that means for its connection. */
interface Failure {
  error: unknown;
  /** Nothing of it was kept and running it again can help: the database asked for it, or was gone before COMMIT. */
  passing: boolean;
  /** Nobody knows what state the connection is in. */
  broken: boolean;
}

export type TransactionOutcome<T> = { value: T } | { failure: Failure };

/** How a transaction begins: to change things, or to see everything as it is now, for as long as it takes. */
export const begin = {
  change: "BEGIN ISOLATION LEVEL READ COMMITTED",
  look:
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; " +
    "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0",
} as const;

/**
 * Runs `work` once between BEGIN and COMMIT. Whatever happens, the connection is out of the transaction
 * afterwards, or reported as broken. `work` gets `timeoutMs`: one that never ends must not keep the
 * connection from everybody else.
 */
export async function runTransaction<T>(
  client: ClientBase,
  work: (tx: Queryable) => Promise<T>,
  timeoutMs: number,
  beginning: string = begin.change,
): Promise<TransactionOutcome<T>> {
  const scope = new TransactionScope(client);
  let committing = false;
  try {
    await client.query(beginning);
    const value = await scope.run(work, timeoutMs);
    committing = scope.firstError === undefined;
    // After a failed statement PostgreSQL answers COMMIT with ROLLBACK and no error.
    const { command } = await client.query("COMMIT");
    if (command !== "COMMIT") throw scope.firstError ?? new Error("The transaction was rolled back.");
    return { value };
  } catch (error) {
    const broken = !(await rollBack(client, error));
    const first = scope.firstError ?? error;
    const passing = isTransactionConflict(first) || (!committing && isConnectionLost(first));
    return { failure: { error, passing, broken } };
  }
}

async function rollBack(client: ClientBase, cause: unknown): Promise<boolean> {
  if (isConnectionLost(cause)) return false;
  try {
    await client.query("ROLLBACK");
    return true;
  } catch {
    return false;
  }
}

/** What `work` may do, and until when. */
class TransactionScope implements Queryable {
  readonly #client: ClientBase;
  #ended = false;
  /** The statement error that doomed the transaction, even if `work` swallowed it. */
  firstError: unknown;

  constructor(client: ClientBase) {
    this.#client = client;
  }

  readonly query: Queryable["query"] = async (statement, parameters) => {
    if (this.#ended)
      throw new Error(`Statement ${statement.name} came after the end of its transaction: await it inside.`);
    try {
      return await runStatement(this.#client, statement, parameters);
    } catch (error) {
      this.firstError ??= error;
      throw error;
    }
  };

  async run<T>(work: (tx: Queryable) => Promise<T>, timeoutMs: number): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const expiry = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(transactionTooLong(timeoutMs)), timeoutMs);
      timer.unref();
    });
    try {
      return await Promise.race([work({ query: this.query }), expiry]);
    } finally {
      clearTimeout(timer);
      this.#ended = true;
    }
  }
}

function transactionTooLong(timeoutMs: number): MusterError {
  return new MusterError("timeout", `A transaction was rolled back after ${timeoutMs} ms without an end.`, {
    hint: "The work inside a transaction waits for something outside of it. Only await its own statements there.",
  });
}
