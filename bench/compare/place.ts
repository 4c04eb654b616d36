import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import {
  scratchDatabase,
  scratchPrefix,
  scratchVhost,
  services,
} from "../../packages/server/src/test/services.ts";

/** What a system needs a place on. `redis-always` is a Redis of its own that syncs every write to disk. */
export type Need = "folder" | "postgres" | "redis" | "redis-always" | "rabbitmq";

/** Where one measurement happens: an empty database, an empty folder, keys of its own. Nobody else is there. */
export interface Place {
  folder: string;
  databaseUrl: string;
  redisUrl: string;
  /** Begins every key in Redis. */
  redisPrefix: string;
  amqpUrl: string;
}

export interface OpenPlace extends Place {
  close(): Promise<void>;
}

export async function openPlace(needs: readonly Need[]): Promise<OpenPlace> {
  const undo: (() => Promise<void>)[] = [];
  const place: OpenPlace = {
    folder: "",
    databaseUrl: "",
    redisUrl: services.redisUrl,
    redisPrefix: scratchPrefix().replace(/:$/, ""),
    amqpUrl: "",
    async close() {
      for (const step of undo.splice(0).reverse()) await step();
    },
  };
  try {
    const folder = await mkdtemp(join(tmpdir(), "muster-compare-"));
    undo.push(() => rm(folder, { recursive: true, force: true }));
    place.folder = folder;
    if (needs.includes("postgres")) {
      const database = await scratchDatabase();
      undo.push(database.drop);
      place.databaseUrl = database.url;
    }
    if (needs.includes("rabbitmq")) {
      const vhost = await scratchVhost();
      undo.push(vhost.drop);
      place.amqpUrl = withUser(vhost.url);
    }
    if (needs.includes("redis")) undo.push(() => removeKeys(place.redisUrl, place.redisPrefix));
    if (needs.includes("redis-always")) {
      const redis = await startSyncedRedis(folder);
      undo.push(redis.stop);
      place.redisUrl = redis.url;
    }
    return place;
  } catch (error) {
    await place.close();
    throw error;
  }
}

/** The same address with the user that RabbitMQ has from the start, where it names none. */
function withUser(address: string): string {
  const url = new URL(address);
  if (url.username === "") {
    url.username = "guest";
    url.password = "guest";
  }
  return url.href;
}

async function removeKeys(url: string, prefix: string): Promise<void> {
  const redis = new Redis(url, { maxRetriesPerRequest: 2 });
  redis.on("error", () => {});
  try {
    for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1_000 }) as AsyncIterable<
      string[]
    >)
      if (keys.length > 0) await redis.unlink(...keys);
  } finally {
    redis.disconnect();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** Tries of a server that was just started, and the pause between them. */
const mostTries = 200;
const pauseMs = 25;

async function untilListening(port: number): Promise<void> {
  for (let tries = 1; ; tries++) {
    const socket = connect(port, "127.0.0.1");
    try {
      await once(socket, "connect");
      return;
    } catch (error) {
      if (tries === mostTries) throw error;
      await pause(pauseMs);
    } finally {
      socket.destroy();
    }
  }
}

async function startSyncedRedis(folder: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const port = await freePort();
  const settings = [
    "--port",
    port,
    "--dir",
    folder,
    "--save",
    "",
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
  ];
  const child = spawn("redis-server", settings.map(String), { stdio: "ignore" });
  await once(child, "spawn");
  await untilListening(port);
  return { url: `redis://127.0.0.1:${port}`, stop: () => ended(child) };
}

/** Asks a process to end and waits until it has. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = once(child, "exit");
  child.kill("SIGTERM");
  await over;
}
