import { MusterError } from "@muster/sdk/protocol";
import type { Clock } from "../../../ports/clock.ts";
import type { RateLimits } from "../../../ports/rate-limits.ts";
import type { RedisConnection, Script } from "../../redis/connect-redis.ts";
import { createInMemoryRateLimits } from "../in-memory/create-in-memory-rate-limits.ts";

export interface RedisRateLimitsOptions {
  connection: RedisConnection;
  clock: Clock;
}

/** Values: most points, window in ms, points. Answers whether, points taken, and when the window ends, in ms from now. */
const takeScript: Script = {
  name: "muster_rate_take",
  lua: `
local most, per, points = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local taken = tonumber(redis.call('GET', KEYS[1]) or 0)
local left = redis.call('PTTL', KEYS[1])
if left < 0 then left = per end
if taken + math.max(points, 1) > most then return {0, taken, left} end
if points > 0 then
  taken = redis.call('INCRBY', KEYS[1], points)
  redis.call('PEXPIRE', KEYS[1], left)
end
return {1, taken, 0}
`,
};

/** Callers that are known to have nothing left, so that they do not cost Redis anything until their window ends. */
const mostRefused = 10_000;

/** Rate limits over all nodes, counted in Redis. While it is away each node counts for itself, from nothing. */
export function createRedisRateLimits({ connection, clock }: RedisRateLimitsOptions): RateLimits {
  const alone = createInMemoryRateLimits({ clock });
  const refusedUntil = new Map<string, number>();

  function remember(name: string, until: number): void {
    refusedUntil.delete(name);
    refusedUntil.set(name, until);
    if (refusedUntil.size > mostRefused) refusedUntil.delete(refusedUntil.keys().next().value as string);
  }

  return {
    async take(key, limit, points = 1) {
      const { points: most, perMs } = limit;
      const name = connection.key(`rate:${perMs}:${key}`);
      const refusedFor = (refusedUntil.get(name) ?? 0) - clock.now();
      if (refusedFor > 0) return { allowed: false, remaining: 0, retryAfterMs: refusedFor };
      try {
        const reply = await connection.runScript(takeScript, name, most, perMs, points);
        const [allowed, taken, leftMs] = reply as [number, number, number];
        const remaining = Math.max(0, most - taken);
        if (allowed === 0 && remaining === 0) remember(name, clock.now() + leftMs);
        return { allowed: allowed === 1, remaining, retryAfterMs: leftMs };
      } catch (error) {
        if (!(error instanceof MusterError)) throw error;
        return alone.take(key, limit, points);
      }
    },
    async close() {
      refusedUntil.clear();
      await alone.close();
    },
  };
}
