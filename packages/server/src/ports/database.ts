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
 */
export interface Database extends Queryable {
  /**
   * Runs `work` in one READ COMMITTED transaction: commits when it resolves, rolls back when it throws.
   * Deadlocks and serialization failures run it again, up to 5 times, so `work` has no other effects.
   */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
  /** Runs a script of several statements without parameters, as migrations do. */
  execute(script: string): Promise<void>;
  /** What the engine needs from us from time to time: PGlite neither vacuums nor checkpoints by itself. */
  maintain(): Promise<void>;
  close(): Promise<void>;
}
