import { Redis } from "ioredis";
import { eventually } from "../../support/processes.ts";
import type { Cluster } from "./cluster.ts";

/** What is let go of late (a heartbeat, an upkeep) is gone after this time. */
const settleMs = 30_000;

/** Lets everybody go home, and says what they left behind; empty where that is nothing. */
export async function findLeaks(cluster: Cluster): Promise<string[]> {
  const slots = await lastOf(() => slotsIn(cluster));
  await Promise.all(cluster.workers.map((worker) => worker.stop()));
  const agents = await lastOf(async () => (await cluster.client.agents.list()).map(({ name }) => name));
  const ended = await Promise.all(
    cluster.nodes.map(async (node) => ({ name: node.name, ...(await node.stop()) })),
  );
  const failed = ended
    .filter(({ exitCode }) => exitCode !== 0)
    .map(({ name, exitCode, err }) => `${name} with ${exitCode}: ${err.slice(-500)}`);
  const readers = await lastOf(() => readersOf(cluster));
  const sessions = await lastOf(() => sessionsOf(cluster));
  return [
    ...say("slots that nobody gave back", slots),
    ...say("agents that said goodbye and are listed", agents),
    ...say("nodes that did not drain", failed),
    ...say("queues that are read or hold unanswered messages", readers),
    ...say("sessions of the database that nobody ended", sessions),
  ];
}

const say = (what: string, left: readonly string[]): string[] =>
  left.length === 0 ? [] : [`${what} (${left.length}): ${left.slice(0, 5).join(", ")}`];

/** What is left when nothing is, or when the time is over. */
async function lastOf(look: () => Promise<string[]>): Promise<string[]> {
  let last: string[] = [];
  const isEmpty = async () => {
    last = await look();
    return last.length === 0;
  };
  await eventually("nothing is left", isEmpty, settleMs).catch(() => undefined);
  return last;
}

async function slotsIn({ place }: Cluster): Promise<string[]> {
  const redis = new Redis(place.urls.redis);
  redis.on("error", () => undefined);
  try {
    return await redis.keys(`${place.prefix}*:slots:*`);
  } finally {
    redis.disconnect();
  }
}

async function readersOf({ servers, place }: Cluster): Promise<string[]> {
  const columns = ["name", "consumers", "messages_unacknowledged"];
  const table = await servers.rabbitmqctl("list_queues", "-p", place.vhost, "--no-table-headers", ...columns);
  const rows = table.split("\n").filter((line) => line !== "");
  return rows.filter((row) => !row.endsWith("\t0\t0"));
}

async function sessionsOf({ database }: Cluster): Promise<string[]> {
  const { rows } = await database.query(
    `select coalesce(nullif(application_name, ''), 'unnamed') || ': ' || left(query, 60) as session
     from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
  );
  return rows.map(({ session }) => session);
}
