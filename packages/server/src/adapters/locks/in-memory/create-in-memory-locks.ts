import { randomUUID } from "node:crypto";
import type { Clock, Timer } from "../../../ports/clock.ts";
import type { Lock, Locks } from "../../../ports/locks.ts";
import { mostWaiting, tooManyWaiting } from "../most-waiting.ts";

interface Waiter {
  ttlMs: number;
  end: (lock: Lock | null) => void;
}

interface Entry {
  lock: Lock | null;
  /** In the order of arrival. */
  waiters: Waiter[];
  /** Set to the end of the lock. */
  timer: Timer | null;
}

/**
 * Locks of a node that is alone. Fences begin at the time, in microseconds, so that they grow over restarts, too: what
 * they protect may outlive this process.
 */
export function createInMemoryLocks({ clock }: { clock: Clock }): Locks {
  const entries = new Map<string, Entry>();
  let lastFence = 0;

  function entryOf(resource: string): Entry {
    const known = entries.get(resource);
    if (known !== undefined) return known;
    const entry: Entry = { lock: null, waiters: [], timer: null };
    entries.set(resource, entry);
    return entry;
  }

  function grant(resource: string, entry: Entry, ttlMs: number): Lock {
    lastFence = Math.max(lastFence + 1, Math.floor(clock.now() * 1_000));
    return keep(resource, entry, {
      resource,
      token: randomUUID(),
      fence: lastFence,
      expiresAt: clock.now() + ttlMs,
    });
  }

  function keep(resource: string, entry: Entry, lock: Lock): Lock {
    entry.lock = lock;
    entry.timer?.cancel();
    entry.timer = clock.setTimer(Math.max(1, lock.expiresAt - clock.now()), () => passOn(resource, entry));
    return lock;
  }

  /** Gives a lock that is free to who waits longest. */
  function passOn(resource: string, entry: Entry): void {
    if (entry.lock !== null && entry.lock.expiresAt > clock.now()) {
      keep(resource, entry, entry.lock);
      return;
    }
    entry.lock = null;
    entry.timer?.cancel();
    const next = entry.waiters.shift();
    if (next === undefined) entries.delete(resource);
    else next.end(grant(resource, entry, next.ttlMs));
  }

  function wait(entry: Entry, ttlMs: number, waitMs: number, signal?: AbortSignal): Promise<Lock | null> {
    return new Promise((resolve) => {
      const waiter: Waiter = { ttlMs, end };
      const timer = clock.setTimer(waitMs, giveUp);
      function end(lock: Lock | null): void {
        timer.cancel();
        signal?.removeEventListener("abort", giveUp);
        resolve(lock);
      }
      function giveUp(): void {
        entry.waiters = entry.waiters.filter((other) => other !== waiter);
        end(null);
      }
      signal?.addEventListener("abort", giveUp);
      entry.waiters.push(waiter);
    });
  }

  /** The entry of a lock that is still held. */
  function heldBy({ resource, token }: Lock): Entry | null {
    const entry = entries.get(resource);
    if (entry?.lock?.token !== token || entry.lock.expiresAt <= clock.now()) return null;
    return entry;
  }

  return {
    async acquire(resource, ttlMs, waitMs = 0, signal) {
      if (signal?.aborted) return null;
      const entry = entryOf(resource);
      const isHeld = entry.lock !== null && entry.lock.expiresAt > clock.now();
      if (!isHeld && entry.waiters.length === 0) return grant(resource, entry, ttlMs);
      if (waitMs <= 0) return null;
      if (entry.waiters.length >= mostWaiting) throw tooManyWaiting(resource);
      return wait(entry, ttlMs, waitMs, signal);
    },
    async renew(lock, ttlMs) {
      const entry = heldBy(lock);
      if (entry === null) return null;
      return keep(lock.resource, entry, { ...lock, expiresAt: clock.now() + ttlMs });
    },
    async release(lock) {
      const entry = heldBy(lock);
      if (entry === null) return false;
      entry.lock = null;
      passOn(lock.resource, entry);
      return true;
    },
    async close() {
      for (const entry of entries.values()) {
        entry.timer?.cancel();
        for (const waiter of entry.waiters.splice(0)) waiter.end(null);
      }
      entries.clear();
    },
  };
}
