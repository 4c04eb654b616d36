import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { connectRedis, type RedisConnection } from "../adapters/redis/connect-redis.ts";
import type { Log } from "../ports/log.ts";
import { scratchPrefix, services } from "./services.ts";

const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** A part of Redis that one test has to itself; its keys on the shared server are gone when the test is over. */
export interface RedisPlace {
  /** Connects once more, as another node does. */
  connect(): Promise<RedisConnection>;
}

export function redisPlace(url: string = services.redisUrl): RedisPlace {
  const prefix = scratchPrefix();
  const open: RedisConnection[] = [];
  onTestFinished(async () => {
    for (const connection of open) await connection.close();
    if (url === services.redisUrl) await forgetKeys(url, prefix);
  });
  return {
    async connect() {
      const connection = await connectRedis({ url, prefix, log: silentLog });
      open.push(connection);
      return connection;
    },
  };
}

async function forgetKeys(url: string, prefix: string): Promise<void> {
  const client = new Redis(url);
  try {
    for await (const keys of client.scanStream({ match: `${prefix}*`, count: 1_000 })) {
      if (keys.length > 0) await client.unlink(keys);
    }
  } finally {
    client.disconnect();
  }
}
