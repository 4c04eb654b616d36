import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { cpus, loadavg, release, totalmem } from "node:os";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import pg from "pg";
import { services } from "../../packages/server/src/test/services.ts";
import { loadSystem, type SystemName } from "./systems.ts";

const run = promisify(execFile);

/** What was measured on, and with which versions of what. */
export async function describeMachine(systems: readonly SystemName[]) {
  return {
    measuredAt: new Date().toISOString(),
    machine: {
      cpu: cpus()[0]?.model,
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      system: `${process.platform} ${release()}`,
      node: process.version,
      /** More than the cores: something else was running, and rates mean little. */
      loadBefore: loadavg()[0],
    },
    servers: {
      postgresql: await postgresFacts(),
      redis: await redisFacts(),
      rabbitmq: await rabbitVersion(),
    },
    systems: Object.fromEntries(
      await Promise.all(
        systems.map(async (name) => {
          const { title, package: packageName, setup, durability } = await loadSystem(name);
          return [name, { title, version: await versionOf(packageName), setup, durability }] as const;
        }),
      ),
    ),
  };
}

async function versionOf(packageName: string): Promise<string> {
  const file = new URL(`../../node_modules/${packageName}/package.json`, import.meta.url);
  return (JSON.parse(await readFile(file, "utf8")) as { version: string }).version;
}

async function postgresFacts() {
  const client = new pg.Client({ connectionString: services.postgresUrl });
  await client.connect();
  const names = "server_version, fsync, synchronous_commit, shared_buffers, max_wal_size, autovacuum";
  const { rows } = await client.query<{ name: string; setting: string }>(
    "select name, setting from pg_settings where name = any ($1)",
    [names.split(", ")],
  );
  await client.end();
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

async function redisFacts() {
  const redis = new Redis(services.redisUrl);
  const text = `${await redis.info("server")}${await redis.info("persistence")}`;
  redis.disconnect();
  const fact = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(text)?.[1];
  return { version: fact("redis_version"), appendOnly: fact("aof_enabled") === "1" };
}

async function rabbitVersion(): Promise<string> {
  const { stdout } = await run("rabbitmqctl", ["-q", "version"]);
  return stdout.trim();
}
