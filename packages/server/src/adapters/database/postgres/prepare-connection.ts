import { MusterError } from "@muster/sdk/protocol";
import type { ClientBase } from "pg";

/** The oldest server whose SQL ours is. */
const oldestVersion = 15;

/**
 * How long the server lets things take. A node that was cut off or frozen must not keep rows locked from the others,
 * so it notices within seconds that nobody is there any more.
 */
const patience = {
  statement_timeout: "15s",
  lock_timeout: "10s",
  // A node that froze in a transaction holds rows that others need; they go on when it is ended.
  idle_in_transaction_session_timeout: "5s",
  tcp_keepalives_idle: "10",
  tcp_keepalives_interval: "5",
  tcp_keepalives_count: "3",
  tcp_user_timeout: "20s",
};

/**
 * Every hot statement is a few look-ups by index, whatever the statistics say. Right after a start, or in a queue
 * that filled within a minute, they say nothing true, and the planner would scan whole tables: a search for the leases
 * of one agent read 33,000 pages of a queue of a million tasks, and reads 32 by index. Without a plan that it may use, the
 * planner reckons with huge costs, from which it would conclude that compiling the statement pays.
 */
const planning = {
  enable_seqscan: "off",
  enable_bitmapscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  jit: "off",
};

const settings = JSON.stringify({ ...patience, ...planning });

/** Sets what `options` in the URL did not set, and answers what kind of server this is. */
const prepare = `
  with wanted as (select * from json_each_text($1::json)),
  done as materialized (
    select set_config(w.key, w.value, false) from wanted w join pg_settings s on s.name = w.key
    where s.source not in ('client', 'session')
  )
  select current_setting('server_version_num')::int / 10000 as version, current_setting('server_version') as shown,
    current_setting('server_encoding') as encoding, pg_is_in_recovery() as standby, pg_backend_pid() as backend, (select count(*) from done) as settings`;

interface Server {
  version: number;
  shown: string;
  encoding: string;
  standby: boolean;
  backend: number;
}

/**
 * Makes a new connection ready, and refuses a server that Muster can't work on. A standby is refused too, with an error
 * that passes: it may be the primary a moment later. Answers the number of the server's process behind the connection.
 */
export async function prepareConnection(client: ClientBase): Promise<number> {
  const { rows } = await client.query<Server>(prepare, [settings]);
  const server = rows[0] as Server;
  if (server.version < oldestVersion)
    throw new MusterError(
      "conflict",
      `The server is PostgreSQL ${server.shown}, and Muster needs ${oldestVersion} or later.`,
      {
        hint: "Upgrade the server, or use another one.",
      },
    );
  if (server.encoding !== "UTF8")
    throw new MusterError(
      "conflict",
      `The database keeps its text as ${server.encoding}, and Muster needs UTF8.`,
      {
        hint: "Create it with: create database … encoding 'UTF8' template template0",
      },
    );
  if (server.standby)
    throw new MusterError("unavailable", "The server is a standby and takes no writes.", {
      hint: "Point DATABASE_URL at the primary. After a failover this passes once the standby is promoted.",
    });
  return server.backend;
}
