import { createInMemoryRegistry } from "../adapters/agent-registry/in-memory/create-in-memory-registry.ts";
import { createInMemoryRateLimits } from "../adapters/rate-limits/in-memory/create-in-memory-rate-limits.ts";
import type { AgentRegistry } from "../ports/agent-registry.ts";
import type { Cache } from "../ports/cache.ts";
import type { Clock } from "../ports/clock.ts";
import type { Locks } from "../ports/locks.ts";
import type { Log } from "../ports/log.ts";
import type { RateLimits } from "../ports/rate-limits.ts";
import type { Signals } from "../ports/signals.ts";
import { untilReached } from "./until-reached.ts";

export interface SharedOptions {
  redisUrl?: string | undefined;
  /** Begins the names of keys; `muster` by default. */
  clusterPrefix?: string | undefined;
  /** How long an agent lives without a heartbeat; 10 s by default. */
  leaseMs?: number | undefined;
  startMs: number;
  clock: Clock;
  log: Log;
  onProgress: (sentence: string) => void;
}

/** What nodes share for a short time. A node that is alone has nobody to signal to, and nothing to share a cache with. */
export interface Shared {
  registry: AgentRegistry;
  rateLimits: RateLimits;
  signals?: Signals;
  cache?: Cache;
  locks?: Locks;
  /** Rejects where it can't be reached. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Redis where there is one, else the memory of this process. */
export function openShared(options: SharedOptions): Promise<Shared> {
  return options.redisUrl === undefined ? openMemory(options) : openRedis(options, options.redisUrl);
}

async function openMemory({ clock }: SharedOptions): Promise<Shared> {
  const registry = createInMemoryRegistry();
  const rateLimits = createInMemoryRateLimits({ clock });
  return {
    registry,
    rateLimits,
    async check() {},
    async close() {
      await registry.close();
      await rateLimits.close();
    },
  };
}

async function openRedis(options: SharedOptions, url: string): Promise<Shared> {
  const { clusterPrefix = "muster", leaseMs, startMs, clock, log, onProgress } = options;
  const [{ connectRedis }, { createRedisRegistry }, { createRedisSignals }, caches, limits, lockers] =
    await Promise.all([
      import("../adapters/redis/connect-redis.ts"),
      import("../adapters/agent-registry/redis/create-redis-registry.ts"),
      import("../adapters/signals/redis/create-redis-signals.ts"),
      import("../adapters/cache/redis/create-redis-cache.ts"),
      import("../adapters/rate-limits/redis/create-redis-rate-limits.ts"),
      import("../adapters/locks/redis/create-redis-locks.ts"),
    ]);
  const connection = await connectRedis({ url, prefix: `${clusterPrefix}:`, log });
  try {
    await untilReached(connection.check, startMs, (reason) => onProgress(`waiting for Redis: ${reason}`));
    const pause = leaseMs === undefined ? {} : { expiryPauseMs: leaseMs };
    const registry = await createRedisRegistry({ connection, ...pause });
    const signals = createRedisSignals({ connection, log });
    const cache = caches.createRedisCache({ connection, log });
    const rateLimits = limits.createRedisRateLimits({ connection, clock });
    const locks = await lockers.createRedisLocks({ connection, clock });
    return {
      registry,
      rateLimits,
      signals,
      cache,
      locks,
      check: connection.check,
      async close() {
        for (const part of [signals, registry, cache, locks, rateLimits, connection]) await part.close();
      },
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}
