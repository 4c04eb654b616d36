import type { Cache } from "../../../ports/cache.ts";
import type { Log } from "../../../ports/log.ts";
import type { RedisConnection } from "../../redis/connect-redis.ts";

export interface RedisCacheOptions {
  connection: RedisConnection;
  log: Log;
}

/** A cache that all nodes share. */
export function createRedisCache({ connection, log }: RedisCacheOptions): Cache {
  const nameOf = (key: string): string => connection.key(`cache:${key}`);
  const forgo = (error: unknown): undefined => {
    log.debug({ error }, "The cache could not be used.");
  };

  return {
    async get(key) {
      const text = await connection.run((client) => client.get(nameOf(key))).catch(forgo);
      return text === null || text === undefined ? undefined : JSON.parse(text);
    },
    async set(key, value, ttlMs) {
      const text = JSON.stringify(value ?? null);
      const ttl = Math.max(1, Math.round(ttlMs));
      await connection.run((client) => client.set(nameOf(key), text, "PX", ttl)).catch(forgo);
    },
    async delete(key) {
      await connection.run((client) => client.unlink(nameOf(key))).catch(forgo);
    },
    async close() {},
  };
}
