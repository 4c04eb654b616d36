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

/** The server says nothing any more, over this connection or at all. */
export class ServerSilent extends Error {
  constructor() {
    super("The server fell silent.");
    this.name = "ServerSilent";
  }
}

/** What `pg` says when a connection is gone. It gives these errors no code. */
const lostConnection =
  /^(Connection terminated|Client was closed|Client has encountered a connection error|Query read timeout|timeout e|Cannot use a pool after)/;

/** What `pg` says of a connection that was gone before the statement could be sent. */
const neverSent = /^Client (was closed|has encountered a connection error) and is not queryable/;

/**
 * With these PostgreSQL ends a connection and whatever it was doing before the commit: a shutdown, an administrator,
 * a session that was idle for too long, a server that became a standby.
 */
const endedUndone: ReadonlySet<string | undefined> = new Set(["57P01", "57P05", "25P03", "25006"]);

/** Whether the connection was lost or refused, so that nothing is known of what it was doing. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== undefined) return state.startsWith("08") || state.startsWith("57P") || endedUndone.has(state);
  if (!(error instanceof Error)) return false;
  return error instanceof ServerSilent || "syscall" in error || lostConnection.test(error.message);
}

/** Whether a statement outside a transaction certainly had no effect, although its connection is gone. */
export function wasUndone(error: unknown): boolean {
  return endedUndone.has(sqlStateOf(error)) || (error instanceof Error && neverSent.test(error.message));
}

/** Statement and lock timeout of the server: it was too busy, and rolled the statement back. */
const tooSlow: ReadonlySet<string | undefined> = new Set(["57014", "55P03"]);

/**
 * The error as callers get it. A lost connection, a database without room and one that is too busy become
 * `unavailable`; what the database says of a statement stays as it is and is told by its SQLSTATE in `code`.
 */
export function translateError(error: unknown): unknown {
  if (error instanceof MusterError) return error;
  if (error instanceof ServerSilent)
    return new MusterError("unavailable", "The database does not answer.", {
      hint: "Ask another node, or try again. What was under way may or may not have been saved.",
      cause: error,
    });
  if (isConnectionLost(error))
    return new MusterError("unavailable", "The connection to the database was lost.", {
      hint: "Try again. What was under way may or may not have been saved.",
      cause: error,
    });
  if (tooSlow.has(sqlStateOf(error)))
    return new MusterError("unavailable", `The database took too long: ${(error as Error).message}.`, {
      hint: "Nothing was changed. Try again in a moment.",
      cause: error,
    });
  if (sqlStateOf(error)?.startsWith("53"))
    return new MusterError("unavailable", `The database is short of room: ${(error as Error).message}.`, {
      hint: "Free disk space or memory, then try again.",
      cause: error,
    });
  return error;
}
