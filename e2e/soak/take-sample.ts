import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import type { Cluster } from "../cluster/support/cluster.ts";
import type { Measure } from "./trends.ts";

/** What is measured, and how much of it may come and go. */
export const measures = {
  memory: { name: "memory of the node that is never killed", unit: "MB", slack: 40 },
  connections: { name: "connections to PostgreSQL", unit: "", slack: 3 },
  database: { name: "size of the database", unit: "MB", slack: 15 },
  dead: { name: "dead rows", unit: "", slack: 20_000 },
  keys: { name: "keys in Redis", unit: "", slack: 50 },
  redisMemory: { name: "memory of Redis", unit: "MB", slack: 5 },
  queues: { name: "queues in RabbitMQ", unit: "", slack: 10 },
  messages: { name: "messages in RabbitMQ", unit: "", slack: 500 },
} satisfies Record<string, Measure>;

export type Sample = Partial<Record<keyof typeof measures, number>>;

const megabyte = 2 ** 20;

/** Everything that can be measured now; what a fault hides is left out. */
export async function takeSample(cluster: Cluster): Promise<Sample> {
  const parts = await Promise.allSettled([
    sampleMemory(cluster),
    sampleDatabase(cluster),
    sampleRedis(cluster),
    sampleQueues(cluster),
  ]);
  return Object.assign({}, ...parts.map((part) => (part.status === "fulfilled" ? part.value : {})));
}

async function sampleMemory({ nodes }: Cluster): Promise<Sample> {
  const status = readFileSync(`/proc/${nodes.at(-1)!.pid()}/status`, "utf8");
  return { memory: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024 };
}

async function sampleDatabase({ database }: Cluster): Promise<Sample> {
  const { rows } = await database.query(
    `select pg_database_size(current_database())::float8 as bytes,
       (select sum(n_dead_tup)::float8 from pg_stat_user_tables) as dead,
       (select count(*)::int from pg_stat_activity where datname = current_database()) as connections`,
  );
  const { bytes, dead, connections } = rows[0];
  return { database: bytes / megabyte, dead, connections };
}

async function sampleRedis({ place }: Cluster): Promise<Sample> {
  const redis = new Redis(place.urls.redis, { lazyConnect: true, retryStrategy: () => null });
  redis.on("error", () => undefined);
  try {
    await redis.connect();
    const memory = Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
    return { keys: await redis.dbsize(), redisMemory: memory / megabyte };
  } finally {
    redis.disconnect();
  }
}

async function sampleQueues({ servers, place }: Cluster): Promise<Sample> {
  const table = await servers.rabbitmqctl(
    ...["list_queues", "-p", place.vhost, "--no-table-headers", "name", "messages"],
  );
  const counts = table
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => Number(line.split("\t")[1]));
  return { queues: counts.length, messages: counts.reduce((sum, count) => sum + count, 0) };
}
