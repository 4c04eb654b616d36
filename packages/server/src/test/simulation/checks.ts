import type { EventRow } from "../../core/queue/statements/events.ts";
import type { Statement } from "../../ports/database.ts";
import { checkEvents, type JudgedTask } from "./event-rules.ts";
import { leaseMs } from "./orchestrator-process.ts";
import { readJudgedTasks, readWholeLog } from "./read-log.ts";
import type { World } from "./world.ts";

const overbooked: Statement<{ agent_id: string; held: number; most: number; ids: string[] }> = {
  name: "sim_overbooked",
  text: `
select t.agent_id, count(*)::int as held, a.max_concurrency as most, array_agg(t.id::text order by t.id) as ids
from task t join agent a on a.id = t.agent_id where t.status = 'in_progress'
group by t.agent_id, a.max_concurrency having count(*) > a.max_concurrency order by t.agent_id`,
};
const longLeases: Statement<{ id: string }> = {
  name: "sim_long_leases",
  text: `select id from task where status = 'in_progress' and lease_until > $1 order by id`,
};
const overdue: Statement<{ id: string }> = {
  name: "sim_overdue",
  text: `select id from task where status = 'in_progress' and lease_until < $1 order by id`,
};
const open: Statement<{ id: string; what: string }> = {
  name: "sim_open",
  text: `
select id, status as what from task where ended_at is null
union all select id, 'run' from run where ended_at is null order by 1`,
};
const badSteps: Statement<{ run_id: string; step: string; total: number; tasks: number }> = {
  name: "sim_bad_steps",
  text: `
select s.run_id, s.step, s.total, count(t.id)::int as tasks
from run_step s left join task t on t.run_id = s.run_id and t.step = s.step
group by s.run_id, s.step, s.total having count(t.id) <> s.total order by 1, 2`,
};
const runTasks: Statement<{ id: string; run_id: string | null }> = {
  name: "sim_run_tasks",
  text: `select id, run_id from task order by id`,
};
const runs: Statement<{ id: string }> = { name: "sim_runs", text: "select id from run order by id" };

/** Once faults have stopped: upkeep's rest, a call to the database, the next timer. */
const upkeepRestMs = 2_500;

/** What must hold at every moment. `calmMs`: how long nothing has gone wrong; null while faults go on. */
export async function checkMoment(world: World, calmMs: number | null): Promise<void> {
  const { database, clock, violate } = world;
  for (const { agent_id, held, most, ids } of await database.query(overbooked)) {
    violate({
      rule: "no agent above its concurrency",
      detail: `${agent_id} holds ${held} of ${most}`,
      taskIds: ids,
    });
  }
  for (const { id } of await database.query(longLeases, [clock.now() + leaseMs])) {
    violate({ rule: "no lease longer than a lease", detail: "its lease goes on too long", taskIds: [id] });
  }
  if (calmMs === null || calmMs < leaseMs) return;
  for (const { id } of await database.query(overdue, [clock.now() - upkeepRestMs])) {
    violate({
      rule: "nothing in progress beyond a lease",
      detail: "its lease ended long ago",
      taskIds: [id],
    });
  }
}

/** Tasks and runs that have not ended. */
export const findOpen = (world: World) => world.database.query(open);

/** What must hold of the whole history, after the end. */
export async function checkHistory(world: World): Promise<void> {
  const { database, violate, promises, followed } = world;
  for (const { id, what } of await findOpen(world)) {
    violate({ rule: "everything ends", detail: `is still ${what}`, taskIds: [id] });
  }
  const tasks = await readJudgedTasks(database);
  const events = await readWholeLog(database);
  for (const violation of checkEvents(events, tasks)) violate(violation);
  const there = new Set(tasks.map((task) => task.id));
  for (const id of promises.tasks.values()) {
    if (!there.has(id))
      violate({ rule: "nothing lost", detail: "was acknowledged and is not there", taskIds: [id] });
  }
  const runIds = new Set((await database.query(runs)).map((run) => run.id));
  for (const id of promises.runs) {
    if (!runIds.has(id)) violate({ rule: "nothing lost", detail: `run ${id} was acknowledged`, taskIds: [] });
  }
  for (const { run_id, step, total, tasks: many } of await database.query(badSteps)) {
    const detail = `step ${step} of run ${run_id} has ${many} tasks instead of ${total}`;
    violate({ rule: "a step opens once", detail, taskIds: [] });
  }
  await checkCancels(world, tasks, events);
  const got = new Set(followed);
  const missed = events.filter((event) => !got.has(event.seq)).map((event) => event.seq);
  if (missed.length > 0) {
    const detail = `${missed.length} of ${events.length} events never reached the subscriber, the first is ${missed[0]}`;
    violate({ rule: "events without a gap", detail, taskIds: [] });
  }
}

const acts = new Set(["task.submitted", "task.started", "task.completed", "task.waiting"]);

/** After a cancel that was acknowledged nothing below it is created, started or completed, unless retried by hand. */
async function checkCancels(
  { database, promises, violate }: World,
  tasks: readonly JudgedTask[],
  events: readonly EventRow[],
): Promise<void> {
  const parentOf = new Map(tasks.map((task) => [task.id, task.parent_id]));
  const runOf = new Map((await database.query(runTasks)).map((task) => [task.id, task.run_id]));
  for (const { seq: acknowledged, taskId, runId } of promises.cancels) {
    const isCancel = (event: EventRow) =>
      taskId === null
        ? event.type === "run.cancelled" && event.run_id === runId
        : event.type === "task.cancelled" && event.task_id === taskId;
    const seq = events.findLast((event) => event.seq <= acknowledged && isCancel(event))?.seq ?? acknowledged;
    const reopened = new Set<string>();
    for (const event of events) {
      if (event.seq <= seq) continue;
      if (event.type === "run.retried" && event.run_id === runId) break;
      if (event.task_id === null) continue;
      if (event.type === "task.retried") reopened.add(event.task_id);
      if (!acts.has(event.type)) continue;
      const line = lineOf(event.task_id, parentOf);
      const isBelow = taskId === null ? runOf.get(event.task_id) === runId : line.includes(taskId);
      if (!isBelow || line.some((id) => reopened.has(id))) continue;
      const detail = `${event.type} (event ${event.seq}) after the cancel of ${taskId ?? runId} (event ${seq})`;
      violate({ rule: "nothing acts after a cancel", detail, taskIds: line });
    }
  }
}

/** A task and everything above it. */
function lineOf(id: string, parentOf: ReadonlyMap<string, string | null>): string[] {
  const line: string[] = [];
  for (let at: string | null = id; at !== null; at = parentOf.get(at) ?? null) line.push(at);
  return line;
}
