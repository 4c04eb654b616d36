/** A resource held for a time. */
export interface Lock {
  resource: string;
  /** Whoever holds it: proves ownership to `renew` and `release`. */
  token: string;
  /** Grows with every grant of the resource: whoever writes under an older number came too late. */
  fence: number;
  /** Milliseconds since the epoch, by the clock of the caller; the lock is another's from then on. */
  expiresAt: number;
}

/**
 * Mutual exclusion with an end. A lock alone protects nothing once its holder was frozen past the end: let the
 * protected resource check the fence. `unavailable` where the service that keeps the locks can't be reached.
 */
export interface Locks {
  /**
   * Takes the lock for `ttlMs`, waiting for up to `waitMs` (0: not at all) in the order of arrival. Null where it
   * was not free in time or `signal` aborted.
   */
  acquire(resource: string, ttlMs: number, waitMs?: number, signal?: AbortSignal): Promise<Lock | null>;
  /** Prolongs a lock that is still held; null where it ended or is another's. */
  renew(lock: Lock, ttlMs: number): Promise<Lock | null>;
  /** True where it was still held. */
  release(lock: Lock): Promise<boolean>;
  close(): Promise<void>;
}
