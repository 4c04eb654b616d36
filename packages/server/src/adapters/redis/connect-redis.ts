import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { Log } from "../../ports/log.ts";
import type { Subscription } from "../../ports/message-bus.ts";
import { createChannels, type ListeningHandlers } from "./channels.ts";
import { describeServer, type RedisServer } from "./describe-server.ts";
import { refusalOf } from "./redis-errors.ts";

/*
 * What all adapters of Redis share: one connection for commands and one for what is published, an order in the
 * names of keys, and one way in which things fail. A command that can't be sent at once fails at once: nothing is
 * queued while Redis is away, so that whoever asks can go on without it. Both connections come back by themselves.
 */
export interface RedisOptions {
  /** `redis://` or `rediss://`, with user, password and number of the database where they are needed. */
  url: string;
  /** What every key and channel begins with; Musters that share a Redis need different ones. `muster:` by default. */
  prefix?: string;
  log: Log;
}

/** A Lua script: it runs as one step, and nobody sees half of it. */
export interface Script {
  name: string;
  lua: string;
}

export interface RedisConnection {
  /** The full name of a key or channel. All have one hash tag, which puts them into one slot of a Redis Cluster. */
  key(name: string): string;
  /** The server behind the connection; null while there is none. A restart or a failover makes it another one. */
  readonly server: RedisServer | null;
  /** Runs commands; rejects with `unavailable` where Redis is away. */
  run<T>(work: (client: Redis) => Promise<T>): Promise<T>;
  /** Runs a script with one key, from which it makes the names of others. */
  runScript(script: Script, key: string, ...values: (string | number)[]): Promise<unknown>;
  /** Receives what is published on a channel, as text. */
  listen(channel: string, handler: (text: string) => void): Promise<Subscription>;
  /** Told each time when listening begins (again) or ends. */
  onListening(handlers: ListeningHandlers): void;
  /** Told each time when commands can be sent (again). */
  onOpen(handler: () => void): void;
  /** Rejects with `unavailable` where Redis does not answer. */
  check(): Promise<void>;
  /** Names this connection among all. */
  readonly id: string;
  close(): Promise<void>;
}

const defaultPrefix = "muster:";
const connectTimeoutMs = 2_000;
/** A server that owes an answer for longer is taken for gone, and the connection is made anew. */
const answerWithinMs = 2_000;
/** How often an idle connection proves that somebody is there. */
const pingEveryMs = 2_000;
const firstRetryMs = 50;
const longestRetryMs = 1_000;

/** Waits a moment for the connection and then resolves without one: a node may start before its Redis does. */
export async function connectRedis({
  url,
  prefix = defaultPrefix,
  log,
}: RedisOptions): Promise<RedisConnection> {
  const { Redis } = await import("ioredis");
  const commands = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    connectTimeout: connectTimeoutMs,
    socketTimeout: answerWithinMs,
    connectionName: "muster",
    retryStrategy: (times) => Math.min(firstRetryMs * 2 ** Math.min(times - 1, 10), longestRetryMs),
    // A primary that became a replica refuses to write; the address leads to its successor.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  });
  const subscriber = commands.duplicate();
  const database = commands.options.db ?? 0;
  const root = `${prefix}{muster}${database === 0 ? "" : `:${database}`}:`;
  const channels = createChannels(subscriber);
  const opened = new Set<() => void>();
  const scripts = new Set<string>();
  let server: RedisServer | null = null;
  /** Why there is no connection; told when the log was told. */
  let failure: unknown;

  async function greet(): Promise<void> {
    const found = await describeServer(commands, log);
    if (commands.status !== "ready") return;
    server = found;
    if (failure !== undefined) log.info({}, "Redis is back.");
    failure = undefined;
    for (const handler of opened) handler();
  }

  function sayAway(error: unknown): void {
    if (failure === undefined) log.warn({ error }, "Redis is away; it is tried again until it answers.");
    failure = error;
  }

  commands.on("ready", () => void greet().catch(() => commands.disconnect(true)));
  commands.on("close", () => {
    server = null;
  });
  for (const client of [commands, subscriber]) {
    client.on("error", sayAway);
    client.connect().catch(sayAway);
  }
  const pings = setInterval(() => {
    for (const client of [commands, subscriber]) if (client.status === "ready") client.ping().catch(() => {});
  }, pingEveryMs);
  pings.unref();

  async function run<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    if (server === null) throw refusalOf(failure ?? new Error("there is no connection yet"));
    try {
      return await work(commands);
    } catch (error) {
      throw refusalOf(error);
    }
  }

  const firstOpen = new Promise<void>((resolve) => opened.add(resolve));
  const firstListening = new Promise<void>((resolve) => channels.onListening({ begun: resolve }));
  await Promise.race([
    Promise.all([firstOpen, firstListening]),
    sleep(connectTimeoutMs, undefined, { ref: false }),
  ]);

  return {
    id: randomUUID(),
    key: (name) => `${root}${name}`,
    get server() {
      return server;
    },
    run,
    runScript({ name, lua }, key, ...values) {
      if (!scripts.has(name)) commands.defineCommand(name, { lua, numberOfKeys: 1 });
      scripts.add(name);
      const calls = commands as unknown as Record<
        string,
        (...values: (string | number)[]) => Promise<unknown>
      >;
      return run(() => calls[name]?.(key, ...values) as Promise<unknown>);
    },
    check: () => run(async (client) => void (await client.ping())),
    listen: channels.listen,
    onListening: channels.onListening,
    onOpen(handler) {
      opened.add(handler);
      if (server !== null) handler();
    },
    async close() {
      clearInterval(pings);
      server = null;
      for (const client of [commands, subscriber]) client.disconnect();
    },
  };
}
