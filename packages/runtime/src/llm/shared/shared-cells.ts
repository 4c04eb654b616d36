/**
 * Small values that all nodes share for a while: what is left of a provider's limits, and whether its breaker is open.
 * What is in a cell is worth a minute: emptied, it fills itself again; out of reach, each node goes on with its own.
 */
export interface SharedCells {
  /**
   * Replaces the value of a cell by what `change` makes of it, so that nobody changes it in between; `change` may be
   * called more than once. Values are JSON. Never rejects for want of the others.
   */
  update<Value, Result>(name: string, change: CellChange<Value, Result>): Promise<Result>;
  close(): Promise<void>;
}

/** `now` is the time that all who share the cell agree on, in milliseconds since the epoch. */
export type CellChange<Value, Result> = (
  value: Value | undefined,
  now: number,
) => { value: Value; keepMs: number; result: Result };
