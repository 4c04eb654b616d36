import pg from "pg";
import { independentJobs } from "../jobs.ts";
import { noLedger } from "../ledger.ts";
import type { OpenPlace } from "../place.ts";
import { type Measured, perSecond, type Scenario, timed } from "../scenario.ts";
import type { Session } from "../system.ts";

const backlogSize = 1_000_000;
const work = 20_000;

/** An id like those that Muster gives: a UUID of version 7, later for a later task. Random ones would spread over the index. */
const idOf = `(lpad(to_hex(t.created_at + n / 1000), 12, '0') || '7' || lpad(to_hex(n % 1000), 3, '0') || '8' ||
    substr(md5(random()::text || n), 1, 15))::uuid`;

/**
 * Queues $1 tasks by copying one that was handed in the ordinary way, so that each has every value that an ordinary
 * task has and stands behind the others of its tenant. Handing in a million one request after the other takes most
 * of the time of a run and leaves the same rows.
 */
const queueTasks = `
  insert into task (id, tenant, capability, tools, route, status, priority, virtual_time, ready_at, join_policy,
    max_attempts, attempts_granted, retry_delay_ms, retry_factor, retry_max_ms, retry_jitter, timeout_ms, input,
    created_at)
  select ${idOf}, t.tenant, t.capability, t.tools, t.route, 'ready', t.priority, t.virtual_time + n,
    t.created_at, t.join_policy, t.max_attempts, t.attempts_granted, t.retry_delay_ms, t.retry_factor,
    t.retry_max_ms, t.retry_jitter, t.timeout_ms, t.input, t.created_at
  from (select * from task order by virtual_time desc limit 1) t, generate_series(1, $1::int) n`;

const mostAttempts = "select max(attempt) as most from task";

/** How fast the first tasks of a queue are worked off. The queue is filled while all agents are in maintenance. */
async function rateBehind(
  session: Session,
  database: pg.Client,
  queued: number,
  worked: number,
): Promise<number> {
  const { client } = session.muster as NonNullable<Session["muster"]>;
  const agents = await client.agents.list();
  const setAll = (status: "available" | "maintenance") =>
    Promise.all(agents.map((agent) => client.agents.setStatus(agent.id, status)));
  await setAll("maintenance");
  await database.query(queueTasks, [queued]);
  let left = worked;
  const workedOff = new Promise<void>((resolve) => {
    session.watch({
      ...noLedger,
      ran: () => {
        left -= 1;
        if (left === 0) resolve();
      },
    });
  });
  const started = performance.now();
  await setAll("available");
  await workedOff;
  return worked / ((performance.now() - started) / 1_000);
}

async function measure(session: Session, scale: number, { databaseUrl }: OpenPlace): Promise<Measured> {
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    await timed(session, independentJobs(2_000, 100));
    const alone = await rateBehind(session, database, work * scale, work * scale);
    const behind = await rateBehind(session, database, backlogSize * scale, work * scale);
    const { rows } = await database.query<{ most: number }>(mostAttempts);
    if (rows[0]?.most !== 1) throw new Error(`A task had ${rows[0]?.most} attempts.`);
    return { alone, behind, ratio: behind / alone };
  } finally {
    await database.end();
  }
}

export const backlog: Scenario = {
  title: "the first 20,000 of a million queued tasks, and 20,000 alone",
  systems: ["muster-postgres", "muster-cluster"],
  figures: { alone: perSecond, behind: perSecond, ratio: { unit: "of the rate alone", better: "higher" } },
  targets: { "muster-postgres": { ratio: 0.8 } },
  measure,
};
