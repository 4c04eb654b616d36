/**
 * Values that can be made again, shared by all nodes. May forget anything at any time, and never fails: what can't be
 * written is not there later, and what can't be deleted stays until its time is over.
 */
export interface Cache {
  /** Undefined where it is not there, ended, or can't be read now. */
  get(key: string): Promise<unknown>;
  /** Keeps a JSON value for `ttlMs`. */
  set(key: string, value: unknown, ttlMs: number): Promise<void>;
  delete(key: string): Promise<void>;
  close(): Promise<void>;
}
