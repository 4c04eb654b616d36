import {
  type Lock,
  type LockAnswer,
  type LockDetail,
  type LockFilter,
  type LockGrant,
  type LockRenewal,
  type LockRequest,
  MusterError,
} from "../protocol/index.ts";
import { type Clock, sleep, waitingClock } from "../time/clock.ts";
import type { Page } from "./client.ts";

/** Whoever carries these calls: over HTTP, in process, or under the lease of a task. */
export interface LockAccess {
  acquire(request: LockRequest, signal?: AbortSignal): Promise<LockAnswer>;
  renew(request: LockRenewal): Promise<LockGrant>;
  release(grant: Pick<LockRenewal, "name" | "token">): Promise<{ released: boolean }>;
}

export interface LockOptions {
  /** The lock is free again this long after its holder was last heard of: 30 s by default, from 1 s to 1 h. */
  ttlMs?: number;
  /** How long to stand in line, in the order of arrival; not at all by default, 1 h at most. */
  waitMs?: number;
  /** Gives up waiting; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** A lock in the hands of its holder. */
export interface HeldLock extends LockGrant {
  renew(ttlMs?: number): Promise<LockGrant>;
  /** False: it was lost before. */
  release(): Promise<boolean>;
}

export interface LockHolding extends LockGrant {
  /** Aborted when the lock is lost: stop, what it protects may be another's by now. */
  readonly signal: AbortSignal;
}

export interface LockHands {
  /** Null where it was not free in time. The lock is not renewed by itself. */
  acquire(name: string, options?: LockOptions): Promise<HeldLock | null>;
  /**
   * Does `work` under a lock, which is renewed meanwhile and released at the end. Rejects with `timeout` where the lock
   * was not free in time. Whatever `work` writes should carry the fence: a lock alone stops nobody who was frozen.
   */
  hold<T>(name: string, options: LockOptions, work: (lock: LockHolding) => Promise<T> | T): Promise<T>;
}

export interface LockClient extends LockHands {
  /** Those that are held or waited for, in the order of names. */
  list(filter?: LockFilter): Promise<Page<Lock>>;
  get(name: string): Promise<LockDetail>;
  /** Takes it from whoever holds it; for admins. */
  forceRelease(name: string): Promise<{ released: boolean }>;
}

const defaultTtlMs = 30_000;
/** Calls that may fail on the way before the lock is given up. */
const pauseMs = 200;
/** Renewed when this part of its time is over. */
const renewAfter = 1 / 3;

const isPassing = (error: unknown): boolean =>
  error instanceof MusterError && (error.code === "unavailable" || error.code === "rate_limited");

/** What a holder does with locks, on whatever carries the calls. `makeToken` makes a UUID that nobody can guess. */
export function createLockHands(
  access: LockAccess,
  makeToken: () => string,
  clock: Clock = waitingClock,
): LockHands {
  async function acquire(name: string, options: LockOptions = {}): Promise<HeldLock | null> {
    const { ttlMs = defaultTtlMs, waitMs = 0, signal } = options;
    const token = makeToken();
    const until = clock.now() + waitMs;
    for (;;) {
      signal?.throwIfAborted();
      const left = Math.max(0, Math.round(until - clock.now()));
      try {
        const { grant, position } = await access.acquire({ name, ttlMs, waitMs: left, token }, signal);
        if (grant !== null) return heldOf(grant, ttlMs);
        if (position === null && clock.now() >= until) return null;
        if (position === null) await sleep(clock, pauseMs, signal);
      } catch (error) {
        if (signal?.aborted) {
          access.release({ name, token }).catch(() => undefined);
          throw signal.reason;
        }
        if (!isPassing(error) || clock.now() >= until) throw error;
        await sleep(clock, pauseMs, signal);
      }
    }
  }

  const heldOf = (grant: LockGrant, ttlMs: number): HeldLock => {
    const { name, token } = grant;
    return {
      ...grant,
      renew: (again = ttlMs) => access.renew({ name, token, ttlMs: again }),
      release: async () => (await access.release({ name, token })).released,
    };
  };

  async function hold<T>(
    name: string,
    options: LockOptions,
    work: (lock: LockHolding) => Promise<T> | T,
  ): Promise<T> {
    const { ttlMs = defaultTtlMs, waitMs = 0 } = options;
    const lock = await acquire(name, options);
    if (lock === null) {
      throw new MusterError("timeout", `The lock ${name} was not free within ${waitMs} ms.`, {
        hint: "See who holds it with: muster lock show. Wait longer with waitMs.",
      });
    }
    const renewal = keepRenewed(lock, ttlMs);
    try {
      return await work({ ...lock, signal: renewal.signal });
    } finally {
      renewal.stop();
      // One that can't be released now ends by itself.
      await lock.release().catch(() => undefined);
    }
  }

  /** Renews until it is stopped. The lock counts as lost when its time is over, whatever the calls say. */
  function keepRenewed(lock: HeldLock, ttlMs: number) {
    const lost = new AbortController();
    let endsAt = clock.now() + ttlMs;
    let timer = clock.setTimer(ttlMs * renewAfter, renew);
    let stopped = false;

    function lose(reason: unknown): void {
      if (!stopped) lost.abort(reason);
    }

    function renew(): void {
      const askedAt = clock.now();
      if (askedAt >= endsAt) {
        lose(new MusterError("lock_lost", `The lock ${lock.name} was not renewed in time.`));
        return;
      }
      lock.renew(ttlMs).then(
        () => {
          endsAt = askedAt + ttlMs;
          again(ttlMs * renewAfter);
        },
        (error: unknown) => (isPassing(error) ? again(pauseMs) : lose(error)),
      );
    }

    function again(ms: number): void {
      if (!stopped) timer = clock.setTimer(ms, renew);
    }

    return {
      signal: lost.signal,
      stop(): void {
        stopped = true;
        timer.cancel();
      },
    };
  }

  return { acquire, hold };
}
