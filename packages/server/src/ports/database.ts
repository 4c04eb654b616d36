/**
 * The connection is a port; SQL is not. Core owns one set of statements, written for PostgreSQL 15, and the
 * adapters run them on PGlite in process or on a PostgreSQL server.
 */

/** One SQL statement with a name, under which the connection keeps it prepared. */
export interface Statement<Row = Record<string, unknown>> {
  readonly name: string;
  readonly text: string;
  /** Only for the type checker: what a row looks like. */
  readonly row?: Row;
}

export interface Queryable {
  /** Runs one statement. Parameters are strings, numbers, booleans, null or arrays of these. */
  query<Row>(statement: Statement<Row>, parameters?: readonly SqlValue[]): Promise<Row[]>;
}

export type SqlValue = string | number | boolean | null | readonly string[] | readonly number[];

/**
 * `bigint` columns come back as numbers, `json` and `jsonb` as parsed values, `uuid` as text. A statement
 * outside a transaction is a transaction of its own and durable when it returns, unless it says otherwise.
 *
 * What is tried again by itself, each up to 5 times, because it certainly had no effect: a statement or transaction
 * that PostgreSQL ended for a deadlock or a serialization failure; a statement whose connection was gone before it
 * was sent, or was ended by the server's shutdown; a transaction whose connection was lost before its COMMIT was sent. While no connection can be had, calls wait
 * for some seconds first; where the server says nothing at all, they fail soon.
 *
 * Errors: `unavailable` where the database is away or too busy. If the connection was lost after a statement outside
 * a transaction, or a COMMIT, was sent, nobody knows whether it took effect: repeat it only where that does no harm, or
 * look. Everything else is PostgreSQL's own error with its SQLSTATE in `code`.
 */
export interface Database extends Queryable {
  /** It is in this process, and nobody has to look after it. */
  readonly embedded?: true;
  /**
   * Runs `work` in one READ COMMITTED transaction: commits when it resolves, rolls back when it throws. It may run
   * more than once, so `work` has no other effects.
   */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
  /**
   * Runs `work` on everything as it is at one moment, to be read and not changed, while others go on writing. It may
   * take hours. `work` runs once: a connection that is lost on the way is `unavailable`.
   */
  snapshot<T>(work: (reader: Queryable) => Promise<T>): Promise<T>;
  /** Runs a script of several statements without parameters, as migrations do. */
  execute(script: string): Promise<void>;
  /** What the engine needs from us from time to time: PGlite neither vacuums nor checkpoints by itself. */
  maintain(): Promise<void>;
  close(): Promise<void>;
}
