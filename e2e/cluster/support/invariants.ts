import type pg from "pg";
import type { SeenEvent } from "./watcher.ts";

/** What a round did, so that it can be judged. */
export interface Round {
  /** Every id that a submission was answered with. */
  acknowledged: readonly string[];
  /** Number of the last event before it. */
  after: number;
  /** What each watcher saw of it. */
  watched: readonly (readonly SeenEvent[])[];
}

export interface EventRow {
  seq: number;
  at: number;
  type: string;
  task_id: string | null;
  run_id: string | null;
  agent_id: string | null;
}

/** Violations named in full; of more there is only the number. */
const mostNamed = 5;

const some = (what: string, broken: readonly unknown[]): string[] =>
  broken.length === 0 ? [] : [`${what} (${broken.length}): ${broken.slice(0, mostNamed).join(", ")}`];

export async function readEvents(database: pg.Pool, after: number): Promise<EventRow[]> {
  const { rows } = await database.query(
    "select seq::float8, at::float8, type, task_id, run_id, agent_id from event where seq > $1 order by seq",
    [after],
  );
  return rows;
}

/** Everything that must hold after a round, judged by the database itself; empty where it does. */
export async function findViolations(database: pg.Pool, round: Round): Promise<string[]> {
  const events = await readEvents(database, round.after);
  return [
    ...(await findLost(database, round.acknowledged)),
    ...(await findUnasked(database, round)),
    ...findDoubled(events),
    ...(await findEarly(database, round.after)),
    ...(await findOverbooked(database, events)),
    ...round.watched.flatMap((seen, index) => findGaps(events, seen, index + 1)),
  ];
}

/** Acknowledged tasks that are gone or did not come to their end. */
async function findLost(database: pg.Pool, acknowledged: readonly string[]): Promise<string[]> {
  const { rows } = await database.query(
    `select id, coalesce(status, 'gone') || coalesce(' ' || (error ->> 'message'), '') as state
     from unnest($1::uuid[]) id left join task using (id) where status is distinct from 'completed'`,
    [acknowledged],
  );
  return some(
    "acknowledged tasks that did not complete",
    rows.map(({ id, state }) => `${id} ${state}`),
  );
}

/** Tasks that nobody was told of: a submission whose answer was lost and that was taken in twice. */
async function findUnasked(database: pg.Pool, { acknowledged, after }: Round): Promise<string[]> {
  const { rows } = await database.query(
    `select distinct task_id as id from event join task on task.id = task_id
     where seq > $1 and type = 'task.submitted' and parent_id is null and task_id <> all ($2::uuid[])`,
    [after, acknowledged],
  );
  return some(
    "tasks that were taken in and never acknowledged",
    rows.map(({ id }) => id),
  );
}

const ends = new Set(["task.completed", "task.failed", "task.cancelled"]);

/** Tasks with more than one accepted end. */
export function findDoubled(events: readonly EventRow[]): string[] {
  const counts = new Map<string, number>();
  for (const { type, task_id } of events) {
    if (task_id !== null && ends.has(type)) counts.set(task_id, (counts.get(task_id) ?? 0) + 1);
  }
  return some(
    "tasks that ended more than once",
    [...counts].filter(([, count]) => count > 1).map(([id, count]) => `${id} ${count} times`),
  );
}

/** Dependents that were started before what they need had completed. */
export async function findEarly(database: pg.Pool, after: number): Promise<string[]> {
  const { rows } = await database.query(
    `select d.task_id as id, d.depends_on as need
     from dependency d
     join task on task.id = d.task_id and task.join_policy = 'all'
     join lateral (select min(seq) as seq from event
       where task_id = d.task_id and type = 'task.started') started on started.seq > $1
     left join lateral (select min(seq) as seq from event
       where task_id = d.depends_on and type = 'task.completed') completed on true
     where d.kind = 'need' and (completed.seq is null or completed.seq > started.seq)`,
    [after],
  );
  return some(
    "tasks that started before what they need",
    rows.map(({ id, need }) => `${id} before ${need}`),
  );
}

/** Moves out of an agent's hands, beside the ends. */
const lettingGo = new Set([...ends, "task.retrying", "task.waiting"]);

/** Agents that held more leases at once than they have slots, by the order of events. */
export async function findOverbooked(database: pg.Pool, events: readonly EventRow[]): Promise<string[]> {
  const { rows } = await database.query("select id, max_concurrency from agent");
  const most = new Map<string, number>(rows.map((row) => [row.id, row.max_concurrency]));
  const holderOf = new Map<string, string>();
  const held = new Map<string, number>();
  const broken = new Map<string, number>();
  const letGo = (taskId: string) => {
    const holder = holderOf.get(taskId);
    if (holder !== undefined) held.set(holder, (held.get(holder) ?? 0) - 1);
    holderOf.delete(taskId);
  };
  for (const { type, task_id, agent_id } of events) {
    if (task_id === null) continue;
    if (lettingGo.has(type)) letGo(task_id);
    if (type !== "task.started" || agent_id === null) continue;
    letGo(task_id);
    holderOf.set(task_id, agent_id);
    const count = (held.get(agent_id) ?? 0) + 1;
    held.set(agent_id, count);
    if (count > (most.get(agent_id) ?? 0)) broken.set(agent_id, Math.max(count, broken.get(agent_id) ?? 0));
  }
  return some(
    "agents beyond their concurrency",
    [...broken].map(([id, count]) => `${id} held ${count} of ${most.get(id)}`),
  );
}

/** Events that a watcher missed, saw twice or out of order, or that it saw and that are not true any more. */
export function findGaps(events: readonly EventRow[], seen: readonly SeenEvent[], watcher: number): string[] {
  const kept = events.map(({ seq, type, task_id }) => `${seq} ${type} ${task_id}`);
  const watched = seen.map(({ seq, type, taskId }) => `${seq} ${type} ${taskId}`);
  const [keptOnes, watchedOnes] = [new Set(kept), new Set(watched)];
  const disorder = seen.filter(({ seq }, index) => index > 0 && seq <= seen[index - 1]!.seq);
  return [
    ...some(
      `watcher ${watcher} missed events`,
      kept.filter((name) => !watchedOnes.has(name)),
    ),
    ...some(
      `watcher ${watcher} saw events that did not happen`,
      watched.filter((name) => !keptOnes.has(name)),
    ),
    ...some(
      `watcher ${watcher} saw events again or out of order`,
      disorder.map(({ seq }) => seq),
    ),
  ];
}
