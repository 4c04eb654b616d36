import { setTimeout as pause } from "node:timers/promises";
import { MusterError } from "@muster/sdk/protocol";
import pg from "pg";
import type { Log } from "../../../ports/log.ts";
import type { ConnectionSource } from "../pg/connection-source.ts";
import { describeRefusal, type Refusal } from "./describe-refusal.ts";

export interface ConnectionPool extends ConnectionSource {
  close(): Promise<void>;
}

export interface ConnectionPoolOptions {
  config: pg.PoolConfig;
  /** Where it connects to, for people. */
  shown: string;
  /** How long a caller waits for a server that is away. */
  waitMs: number;
  log?: Log | undefined;
}

/** Callers in line for a connection. Beyond it something is wrong and waiting would only hide it. */
const longestQueue = 10_000;
/** Pauses between two looks at a server that is away. */
const firstPauseMs = 50;
const longestPauseMs = 1_000;

/**
 * Connections to a server, handed out one caller at a time. While the server is away, one caller looks for it again
 * and all others wait for that, for up to `waitMs` each: a restart is a pause and not an error, and a server that
 * comes back is not met by a crowd.
 */
export function createConnectionPool({ config, shown, waitMs, log }: ConnectionPoolOptions): ConnectionPool {
  const pool = new pg.Pool(config);
  // An idle connection that breaks is replaced; without a listener it would end the process.
  pool.on("error", (error) => log?.debug({ err: error }, "An idle connection to PostgreSQL was lost."));
  // One that breaks in use tells whoever uses it; the event is for nobody, but needs a listener too.
  pool.on("connect", (client) => client.on("error", () => {}));
  let outage: Promise<void> | undefined;
  let wantedUntil = 0;

  async function acquire(): Promise<pg.PoolClient> {
    const until = performance.now() + waitMs;
    for (;;) {
      if (pool.waitingCount >= longestQueue) throw tooManyWait();
      try {
        return await pool.connect();
      } catch (error) {
        const refusal = describeRefusal(error, shown);
        if (!refusal.passing || pool.ending || performance.now() >= until) throw refusal.error;
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
    const timeUp = new AbortController();
    await Promise.race([outage, pause(until - performance.now(), undefined, { signal: timeUp.signal })]);
    timeUp.abort();
  }

  /** Looks for the server as long as anybody waits for it. */
  async function look({ error }: Refusal): Promise<void> {
    log?.warn({ err: error }, "PostgreSQL is away; looking for it again.");
    let pauseMs = firstPauseMs;
    while (!pool.ending && performance.now() < wantedUntil) {
      await pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      try {
        (await pool.connect()).release();
        log?.info({}, "PostgreSQL is back.");
        return;
      } catch (next) {
        if (!describeRefusal(next, shown).passing) return;
      }
    }
  }

  return {
    acquire,
    release: (client, broken) => (client as pg.PoolClient).release(broken),
    close: () => pool.end(),
  };
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
