import pg from "pg";
import type { Idleness, Probe } from "./silence-watch.ts";
import { bytesRead, dropConnection } from "./watched-client.ts";

/** A question that took longer than this is of no interest any more. */
const mostMs = 10_000;

const idlenessOf = `
  select pid, case when state = 'active' or state = 'disabled' or state is null then '' else state || state_change end as idle
  from pg_catalog.pg_stat_activity where pid = any ($1::int[])`;

const refusals: ReadonlySet<unknown> = new Set(["ECONNREFUSED", "ENOENT"]);

/**
 * Asks the server over a new connection whether it is there, and what these of its processes do. Any byte is an answer,
 * be it that it has no connection left.
 */
export function askServer(config: pg.ClientConfig, backends: readonly number[]): Probe {
  const client = new pg.Client({ ...config, connectionTimeoutMillis: mostMs, query_timeout: mostMs });
  // What goes wrong is heard of by whoever waits; without a listener it would also end the process.
  client.on("error", () => {});
  let refused = false;
  let answered = false;
  let done = false;
  let idleness: Idleness | undefined;

  async function ask(): Promise<void> {
    await client.connect();
    answered = true;
    if (backends.length === 0) return;
    const { rows } = await client.query<{ pid: number; idle: string }>(idlenessOf, [backends]);
    idleness = new Map(rows.map(({ pid, idle }) => [pid, idle]));
  }

  ask()
    .catch((error: { code?: unknown; severity?: unknown }) => {
      answered ||= error.severity !== undefined;
      refused = !answered && refusals.has(error.code);
    })
    .finally(() => {
      done = true;
      dropConnection(client);
    });

  return {
    get state() {
      if (answered || bytesRead(client) > 0) return "answered";
      return refused ? "refused" : "asked";
    },
    get done() {
      return done;
    },
    get idleness() {
      return idleness;
    },
    end: () => dropConnection(client),
  };
}
