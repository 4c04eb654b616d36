import { MusterError } from "@muster/sdk/protocol";

/** SQLSTATE of an error that the database itself answered with; undefined for every other error. */
function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("severity" in error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Serialization failure and deadlock: the same transaction can succeed when it runs again. */
export function isTransactionConflict(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === "40001" || state === "40P01";
}

/** What `pg` says when a connection is gone. It gives these errors no code. */
const lostConnection =
  /^(Connection terminated|Client was closed|Client has encountered a connection error|timeout exceeded when trying to connect|Cannot use a pool after)/;

/** Whether the connection was lost or refused, so that nothing is known of what it was doing. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== undefined) return state.startsWith("08") || state.startsWith("57P");
  if (!(error instanceof Error)) return false;
  return "syscall" in error || lostConnection.test(error.message);
}

/**
 * The error as callers get it. A lost connection and a database without room become `unavailable`; what the
 * database says of a statement stays as it is and is told by its SQLSTATE in `code`.
 */
export function translateError(error: unknown): unknown {
  if (error instanceof MusterError) return error;
  if (isConnectionLost(error))
    return new MusterError("unavailable", "The connection to the database was lost.", {
      hint: "Try again. What was under way may or may not have been saved.",
      cause: error,
    });
  if (sqlStateOf(error)?.startsWith("53"))
    return new MusterError("unavailable", `The database is short of room: ${(error as Error).message}.`, {
      hint: "Free disk space or memory, then try again.",
      cause: error,
    });
  return error;
}
