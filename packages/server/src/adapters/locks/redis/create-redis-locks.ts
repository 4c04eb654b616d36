import { randomUUID } from "node:crypto";
import type { Clock } from "../../../ports/clock.ts";
import type { Lock, Locks } from "../../../ports/locks.ts";
import type { RedisConnection } from "../../redis/connect-redis.ts";
import { mostWaiting, tooManyWaiting } from "../most-waiting.ts";
import { acquireScript, quitScript, releaseScript, renewScript } from "./lock-scripts.ts";

export interface RedisLocksOptions {
  connection: RedisConnection;
  clock: Clock;
}

/** A waiter that does not ask again within this time is taken for dead and passed over. */
const believedMs = 3_000;
/** How often a waiter asks again at least. Normally it is woken. */
const askAgainMs = 1_000;
const shortestPauseMs = 5;

/**
 * Locks that all nodes share. Who waits stands in a queue in Redis and is called when it is its turn; it asks by
 * itself when the holder's time is over, and once in a second, which also proves that it still waits.
 */
export async function createRedisLocks({ connection, clock }: RedisLocksOptions): Promise<Locks> {
  const root = connection.key("locks");
  const bells = new Map<string, Bell>();
  let closed = false;

  const subscription = await connection.listen(`${root}:freed`, (text) => {
    const [, token] = JSON.parse(text) as [string, string];
    bells.get(token)?.ring();
  });

  /** A lock, or how long to wait before asking again. */
  async function ask(resource: string, token: string, ttlMs: number, waits: boolean): Promise<Lock | number> {
    const expiresAt = clock.now() + ttlMs;
    const values = [resource, token, Math.ceil(ttlMs), waits ? 1 : 0, mostWaiting, believedMs];
    const [verdict, detail] = (await connection.runScript(acquireScript, root, ...values)) as [
      number,
      string,
    ];
    if (verdict === -1) throw tooManyWaiting(resource);
    return verdict === 1 ? { resource, token, fence: Number(detail), expiresAt } : Number(detail);
  }

  async function release({ resource, token, fence }: Lock): Promise<boolean> {
    return (await connection.runScript(releaseScript, root, resource, token, fence)) === 1;
  }

  async function stand(resource: string, ttlMs: number, waitMs: number, signal?: AbortSignal) {
    const token = randomUUID();
    const until = clock.now() + waitMs;
    const bell = createBell(clock);
    bells.set(token, bell);
    signal?.addEventListener("abort", bell.ring);
    try {
      for (;;) {
        const found = await ask(resource, token, ttlMs, true);
        const isUnwanted = signal?.aborted === true || closed;
        if (typeof found !== "number") {
          if (!isUnwanted) return found;
          await release(found);
          return null;
        }
        const leftMs = until - clock.now();
        if (isUnwanted || leftMs <= 0) break;
        await bell.wait(Math.max(shortestPauseMs, Math.min(found, askAgainMs, leftMs)));
      }
      await connection.runScript(quitScript, root, resource, token);
      return null;
    } finally {
      bells.delete(token);
      signal?.removeEventListener("abort", bell.ring);
    }
  }

  return {
    async acquire(resource, ttlMs, waitMs = 0, signal) {
      if (signal?.aborted) return null;
      if (waitMs > 0) return stand(resource, ttlMs, waitMs, signal);
      const found = await ask(resource, randomUUID(), ttlMs, false);
      return typeof found === "number" ? null : found;
    },
    async renew(lock, ttlMs) {
      const expiresAt = clock.now() + ttlMs;
      const values = [lock.resource, lock.token, lock.fence, Math.ceil(ttlMs)];
      const renewed = await connection.runScript(renewScript, root, ...values);
      return renewed === 1 ? { ...lock, expiresAt } : null;
    },
    release,
    async close() {
      closed = true;
      for (const bell of bells.values()) bell.ring();
      await subscription.end();
    },
  };
}

interface Bell {
  ring(): void;
  /** Resolves when it rings, at once if it rang since the last wait, or when the time is over. */
  wait(mostMs: number): Promise<void>;
}

function createBell(clock: Clock): Bell {
  let rang = false;
  let wake: (() => void) | null = null;
  return {
    ring() {
      rang = true;
      wake?.();
    },
    async wait(mostMs) {
      if (!rang) {
        await new Promise<void>((resolve) => {
          const timer = clock.setTimer(mostMs, resolve);
          wake = () => {
            timer.cancel();
            resolve();
          };
        });
      }
      rang = false;
      wake = null;
    },
  };
}
