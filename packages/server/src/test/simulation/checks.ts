import type { EventRow } from "../../core/queue/statements/events.ts";
import type { Statement } from "../../ports/database.ts";
import { checkBreakers, type JudgedBreaker } from "./breaker-rules.ts";
import { checkSpending, type JudgedBudget } from "./budget-rules.ts";
import { checkEvents, type JudgedTask } from "./event-rules.ts";
import { readJudgedTasks, readWholeLog } from "./read-log.ts";
import { checkSchedules, type JudgedSchedule, type ScheduledWork } from "./schedule-rules.ts";
import { scheduledCapability, scheduledWorkflow } from "./workflows.ts";
import type { World } from "./world.ts";

const open: Statement<{ id: string; what: string }> = {
  name: "sim_open",
  text: `
select id, status as what from task where ended_at is null
union all select id, 'run' from run where ended_at is null
union all select id, 'schedule' from schedule
where (cron is null and next_at is not null or queued > 0) and status = 'active'
union all select id, 'trigger' from event_trigger g where g.status = 'active' and exists (
  select from event e where e.seq > g.position and e.tenant in (g.tenant, '*') and e.type = any (g.types)) order by 1`,
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
const strayLocks: Statement<{ name: string; task_id: string }> = {
  name: "sim_stray_locks",
  text: `
select l.name, l.task_id from lock l join task t on t.id = l.task_id
where l.token is not null and t.ended_at is not null order by 1, 2`,
};
const runs: Statement<{ id: string }> = { name: "sim_runs", text: "select id from run order by id" };

const breakers: Statement<JudgedBreaker> = {
  name: "sim_breakers",
  text: "select agent_id, state from breaker order by agent_id",
};
const budgets: Statement<JudgedBudget> = {
  name: "sim_budgets",
  text: "select id, on_reached from budget order by id",
};
const schedules: Statement<JudgedSchedule> = {
  name: "sim_schedules",
  text: "select name, next_at, queued from schedule order by name",
};
const scheduledWork: Statement<ScheduledWork> = {
  name: "sim_scheduled_work",
  text: `
select id from task where capability = $1 union all select id from run where workflow = $2 order by 1`,
};

/**
 * Tasks and runs that have not ended, schedules with a moment that is still to come or waits, and triggers with an event that
 * they have not considered.
 */
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
  for (const violation of checkBreakers(events, await database.query(breakers))) violate(violation);
  for (const violation of checkSpending(promises.spending, await database.query(budgets), tasks))
    violate(violation);
  const times = await database.query(schedules);
  const work = await database.query(scheduledWork, [scheduledCapability, scheduledWorkflow.name]);
  for (const violation of checkSchedules(events, promises.schedules, times, work)) violate(violation);
  const there = new Set(tasks.map((task) => task.id));
  for (const id of promises.tasks.values()) {
    if (!there.has(id))
      violate({ rule: "nothing lost", detail: "was acknowledged and is not there", taskIds: [id] });
  }
  const runIds = new Set((await database.query(runs)).map((run) => run.id));
  for (const id of promises.runs) {
    if (!runIds.has(id)) violate({ rule: "nothing lost", detail: `run ${id} was acknowledged`, taskIds: [] });
  }
  for (const { name, task_id } of await database.query(strayLocks)) {
    const detail = `lock ${name} is held by an attempt that is over`;
    violate({ rule: "a lock ends with its attempt", detail, taskIds: [task_id] });
  }
  for (const { run_id, step, total, tasks: many } of await database.query(badSteps)) {
    const detail = `step ${step} of run ${run_id} has ${many} tasks instead of ${total}`;
    violate({ rule: "a step opens once", detail, taskIds: [] });
  }
  await checkCancels(world, tasks, events);
  for (const [place, seqs] of followed.entries()) {
    const got = new Set(seqs);
    const missed = events.filter((event) => !got.has(event.seq)).map((event) => event.seq);
    if (missed.length === 0) continue;
    const detail = `${missed.length} of ${events.length} events never reached the subscriber at node ${place}, the first is ${missed[0]}`;
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
