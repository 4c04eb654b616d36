import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { MusterError } from "@muster/sdk/protocol";
import type pg from "pg";
import type { Log } from "../../../ports/log.ts";
import { translateError } from "../pg/pg-errors.ts";
import { connectPostgres } from "./connect-postgres.ts";

export interface HoldOptions {
  url: string;
  /** True for a node of a cluster: others may share the database, if they are such nodes, too. */
  shared: boolean;
  log: Log;
  /** Told once where somebody else came in while the connection was lost: nothing may be done any more. */
  onLost: (error: Error) => void;
}

export interface DatabaseHold {
  release(): Promise<void>;
}

/** The key of the advisory lock: "muster" as a number. */
const lockKey = 0x6d75_7374;
/** Between tries to connect again, growing to the longest. */
const retryMs = { first: 100, longest: 5_000 };

/** Ends connections of an earlier life of this hold, which the server has not yet found to be gone. */
const endGhosts = `
  select pg_terminate_backend(activity.pid)
  from pg_locks as lock join pg_stat_activity as activity using (pid)
  where lock.locktype = 'advisory' and lock.classid = 0 and lock.objid = ${lockKey}
    and activity.datname = current_database() and activity.application_name = $1`;

/**
 * Says to every other node, by an advisory lock that lives as long as a connection, how this one uses the database.
 * A node that keeps its registry or its messages to itself must be the only one: two of them would hand the same
 * agents work and never hear of each other. `storage_locked` while another node stands against it.
 */
export async function holdDatabase(options: HoldOptions): Promise<DatabaseHold> {
  const { log, onLost } = options;
  const name = `muster hold ${randomUUID()}`;
  let released = false;
  let client = await take(options, name);
  watch();

  function watch(): void {
    client.once("end", () => {
      if (!released) void takeAgain();
    });
  }

  async function takeAgain(): Promise<void> {
    for (let waitMs = retryMs.first; !released; waitMs = Math.min(waitMs * 2, retryMs.longest)) {
      await pause(waitMs, undefined, { ref: false });
      try {
        client = await take(options, name);
        if (released) return await client.end();
        return watch();
      } catch (error) {
        if (error instanceof MusterError && error.code === "storage_locked") return onLost(error);
        log.debug({ err: error }, "The hold on the database is not back yet.");
      }
    }
  }

  return {
    async release() {
      released = true;
      await client.end();
    },
  };
}

async function take({ url, shared }: HoldOptions, name: string): Promise<pg.Client> {
  const client = await connectPostgres(url, { name });
  try {
    if (await tryLock(client, shared)) return client;
    await client.query(endGhosts, [name]);
    if (await tryLock(client, shared)) return client;
    throw taken(shared);
  } catch (error) {
    await client.end().catch(() => {});
    throw translateError(error);
  }
}

async function tryLock(client: pg.Client, shared: boolean): Promise<boolean> {
  const attempt = shared ? "pg_try_advisory_lock_shared" : "pg_try_advisory_lock";
  const { rows } = await client.query(`select ${attempt}(${lockKey}) as taken`);
  return rows[0].taken === true;
}

const taken = (shared: boolean): MusterError =>
  new MusterError(
    "storage_locked",
    shared
      ? "Another node uses this database without REDIS_URL and AMQP_URL, so it must stay the only one."
      : "Another node uses this database, and this one has no REDIS_URL and AMQP_URL to work with it.",
    { hint: "Give every node the same REDIS_URL and AMQP_URL, or run one node only." },
  );
