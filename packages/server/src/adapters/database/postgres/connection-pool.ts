import { setTimeout as pause } from "node:timers/promises";
import { MusterError } from "@muster/sdk/protocol";
import pg from "pg";
import type { Log } from "../../../ports/log.ts";
import type { ConnectionSource } from "../pg/connection-source.ts";
import { ServerSilent, translateError } from "../pg/pg-errors.ts";
import { askServer } from "./ask-server.ts";
import { describeRefusal, type Refusal } from "./describe-refusal.ts";
import { createSilenceWatch, lookEveryMs } from "./silence-watch.ts";
import { dropConnection, WatchedClient } from "./watched-client.ts";

export interface ConnectionPool extends ConnectionSource {
  close(): Promise<void>;
}

export interface ConnectionPoolOptions {
  config: pg.ClientConfig;
  /** Connections at once. */
  connections: number;
  /** Makes a new connection ready, and answers the process behind it by the server's own words. */
  prepare(client: pg.ClientBase): Promise<number>;
  /** Where it connects to, for people. */
  shown: string;
  /** How long a caller waits for a server that is away. */
  waitMs: number;
  /** How long a server may say nothing when it is asked whether it is there; see `createSilenceWatch`. */
  patienceMs?: number | undefined;
  log?: Log | undefined;
}

/** Connections that nobody needs are kept this long, with their prepared statements. */
const idleMs = 300_000;
/** Callers in line for a connection. Beyond it something is wrong and waiting would only hide it. */
const longestQueue = 10_000;
/** Pauses between two looks at a server that is away. */
const firstPauseMs = 50;
const longestPauseMs = 1_000;
/** How long a caller waits for a server that does not answer: others do, and this one may not for long. */
const silentWaitMs = 1_000;

/** Connections that were made together and are given up together. */
interface Generation {
  pool: pg.Pool;
  /** Those that nobody uses. */
  idle: Set<WatchedClient>;
  /** All of them, those included that are being made. */
  all: Set<WatchedClient>;
}

/**
 * Connections to a server, handed out one caller at a time. While the server is away, one caller looks for it again
 * and all others wait for that, for up to `waitMs` each: a restart is a pause and not an error, and a server that
 * comes back is not met by a crowd. A server that is there and says nothing is another matter: see `createSilenceWatch`.
 * Whoever waits for it fails within seconds, and until it answers again so does everybody else.
 */
export function createConnectionPool(options: ConnectionPoolOptions): ConnectionPool {
  const { config, shown, waitMs, log } = options;
  let current = makeGeneration(options);
  let endings: Promise<unknown> = Promise.resolve();
  let closed = false;
  let outage: Promise<void> | undefined;
  let wantedUntil = 0;
  /** Those who wait for a connection, the first of them first, and since when. */
  const waiting = new Map<(error: Error) => void, number>();
  let silence: { over: Promise<void>; end: () => void } | undefined;

  const watch = createSilenceWatch({
    patienceMs: options.patienceMs,
    probe: (backends) => askServer(config, backends),
    onSilent() {
      log?.warn(
        {},
        "PostgreSQL does not answer; its connections are given up, and calls fail until it does.",
      );
      let end = () => {};
      const over = new Promise<void>((resolve) => {
        end = resolve;
      });
      silence = { over, end };
      for (const client of renew().all) client.giveUp();
      for (const [reject] of [...waiting]) reject(new ServerSilent());
      waiting.clear();
    },
    onForgotten() {
      log?.warn({}, "A connection to PostgreSQL led nowhere; it and those that were idle are made anew.");
      for (const client of renew().idle) dropConnection(client);
    },
    onBack() {
      log?.info({}, "PostgreSQL answers again.");
      silence?.end();
      silence = undefined;
    },
  });
  const looking = setInterval(() => {
    const [since] = waiting.values();
    watch.look(performance.now(), since);
  }, lookEveryMs);
  looking.unref();

  /** New connections from now on; those of before end when they are given back. */
  function renew(): Generation {
    const before = current;
    current = makeGeneration(options);
    endings = Promise.all([endings, before.pool.end()]);
    return before;
  }

  /** A connection of the pool, or `ServerSilent` as soon as that is known. */
  function connected(): Promise<WatchedClient> {
    const { pool } = current;
    return new Promise((resolve, reject) => {
      waiting.set(reject, performance.now());
      pool.connect().then(
        (client) => {
          // Who was told that there is none is gone.
          if (waiting.delete(reject)) resolve(client as unknown as WatchedClient);
          else client.release();
        },
        (error: Error) => {
          waiting.delete(reject);
          reject(error);
        },
      );
    });
  }

  async function acquire(): Promise<pg.ClientBase> {
    const until = performance.now() + waitMs;
    for (;;) {
      if (current.pool.waitingCount >= longestQueue) throw tooManyWait();
      if (silence !== undefined) await orMost(silence.over, Math.min(silentWaitMs, waitMs));
      if (silence !== undefined) throw translateError(new ServerSilent());
      try {
        const client = await connected();
        watch.take(client, performance.now());
        return client;
      } catch (error) {
        if (error instanceof ServerSilent) throw translateError(error);
        const refusal = describeRefusal(error, shown);
        if (!refusal.passing || closed || performance.now() >= until) throw refusal.error;
        await serverIsBack(refusal, until);
      }
    }
  }

  /** Resolves when the server is back, or when the caller's time is up. */
  async function serverIsBack(refusal: Refusal, until: number): Promise<void> {
    wantedUntil = Math.max(wantedUntil, until);
    outage ??= look(refusal).finally(() => {
      outage = undefined;
    });
    await orMost(outage, until - performance.now());
  }

  /** Looks for the server as long as anybody waits for it. */
  async function look({ error }: Refusal): Promise<void> {
    log?.warn({ err: error }, "PostgreSQL is away; looking for it again.");
    let pauseMs = firstPauseMs;
    while (!closed && performance.now() < wantedUntil) {
      await pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      try {
        release(await connected());
        log?.info({}, "PostgreSQL is back.");
        return;
      } catch (next) {
        if (!describeRefusal(next, shown).passing) return;
      }
    }
  }

  function release(client: pg.ClientBase, broken = false): void {
    watch.giveBack(client as WatchedClient, performance.now());
    (client as unknown as pg.PoolClient).release(broken);
  }

  return {
    acquire,
    release,
    async close() {
      closed = true;
      clearInterval(looking);
      watch.end();
      await Promise.all([endings, current.pool.end()]);
    },
  };
}

function makeGeneration({ config, connections, prepare, log }: ConnectionPoolOptions): Generation {
  const idle = new Set<WatchedClient>();
  const all = new Set<WatchedClient>();
  class Client extends WatchedClient {
    constructor(how: pg.ClientConfig) {
      super(how);
      all.add(this);
      this.once("end", () => {
        all.delete(this);
        idle.delete(this);
      });
    }
  }
  const pool = new pg.Pool({
    ...config,
    max: connections,
    idleTimeoutMillis: idleMs,
    Client: Client as never,
    onConnect: (async (client: WatchedClient) => client.knowBackend(await prepare(client))) as never,
  });
  // An idle connection that breaks is replaced; without a listener it would end the process.
  pool.on("error", (error) => log?.debug({ err: error }, "An idle connection to PostgreSQL was lost."));
  // One that breaks in use tells whoever uses it; the event is for nobody, but needs a listener too.
  pool.on("connect", (client) => client.on("error", () => {}));
  pool.on("acquire", (client) => idle.delete(client as unknown as WatchedClient));
  pool.on("release", (_error, client) => idle.add(client as unknown as WatchedClient));
  pool.on("remove", (client) => idle.delete(client as unknown as WatchedClient));
  return { pool, idle, all };
}

async function orMost(promise: Promise<void>, mostMs: number): Promise<void> {
  const timeUp = new AbortController();
  await Promise.race([promise, pause(mostMs, undefined, { signal: timeUp.signal })]);
  timeUp.abort();
}

function tooManyWait(): MusterError {
  return new MusterError(
    "unavailable",
    `More than ${longestQueue} calls wait for a connection to PostgreSQL.`,
    {
      hint: "Send less at once, or add a node.",
    },
  );
}
