import type { Statement } from "../../../ports/database.ts";

export interface RunRow {
  id: string;
  tenant: string;
  workflow: string;
  document: unknown;
  inputs: Record<string, unknown>;
  status: string;
  output: unknown;
  error: { code: string; message: string } | null;
  created_at: number;
  ended_at: number | null;
  budget_id: string | null;
  paused_at: number | null;
}

export interface StepRow {
  run_id: string;
  step: string;
  position: number;
  status: string;
  capability: string | null;
  total: number;
  completed: number;
  failed: number;
  output: unknown;
  reason: string | null;
}

const columns =
  "id, tenant, workflow, document, inputs, status, output, error, created_at, ended_at, budget_id, paused_at";
const stepColumns = "run_id, step, position, status, capability, total, completed, failed, output, reason";

/** $1 id, $2 tenant, $3 workflow, $4 document, $5 inputs, $6 now, $7 steps: [{step, position, capability}], $8 budget. */
export const startRun: Statement = {
  name: "start_run",
  text: `
with started as (
  insert into run (id, tenant, workflow, document, inputs, status, created_at, budget_id)
  values ($1, $2, $3, $4::json, $5::json, 'running', $6::bigint, $8)
  returning id, tenant, workflow
), steps as (
  insert into run_step (run_id, step, position, status, capability)
  select s.id, x.step, x.position, 'pending', x.capability
  from started s, json_to_recordset($7::json) as x(step text, position int, capability text)
)
insert into event (at, type, run_id, tenant, data)
select $6::bigint, 'run.started', id, tenant, json_build_object('workflow', workflow) from started`,
};

/** $1 run. */
export const lockRun: Statement<RunRow> = {
  name: "lock_run",
  text: `select ${columns} from run where id = $1 for update`,
};

/** $1 ids. */
export const readRuns: Statement<RunRow> = {
  name: "read_runs",
  text: `select ${columns} from run where id = any ($1::uuid[])`,
};

/** Newest first. $1 tenant (*: all), $2 status, $3 workflow, $4 before this id, $5 how many. */
export const listRuns: Statement<RunRow> = {
  name: "list_runs",
  text: `
select ${columns} from run
where ($1 = '*' or tenant = $1) and ($2::text is null or $2 = case when status = 'running' and paused_at is not null then 'paused' else status end) and ($3::text is null or workflow = $3)
  and ($4::uuid is null or id < $4::uuid)
order by id desc limit $5`,
};

/** $1 run ids. */
export const readSteps: Statement<StepRow> = {
  name: "read_steps",
  text: `select ${stepColumns} from run_step where run_id = any ($1::uuid[]) order by run_id, position`,
};

/** The results of a step's tasks in the order of its fan-out. $1 run, $2 step. */
export const readStepResults: Statement<{
  id: string;
  status: string;
  output: unknown;
  error: { code: string; message: string } | null;
}> = {
  name: "read_step_results",
  text: `select id, status, output, error from task where run_id = $1 and step = $2 order by item_index, id`,
};

/**
 * Moves steps on and tells of it. $1 run, $2 now, $3 steps: [{step, status, total, output, reason}]; a step that
 * goes back to pending forgets its counts.
 */
export const moveSteps: Statement = {
  name: "move_steps",
  text: `
with moved as (
  update run_step s set status = x.status, total = coalesce(x.total, s.total), output = x.output, reason = x.reason,
    completed = case when x.status = 'pending' then 0 else s.completed end,
    failed = case when x.status = 'pending' then 0 else s.failed end
  from json_to_recordset($3::json) as x(step text, status text, total int, output json, reason text)
  where s.run_id = $1 and s.step = x.step
  returning s.step, s.position, s.status, s.total, s.completed, s.failed, s.reason
)
insert into event (at, type, run_id, tenant, data)
select $2::bigint, case m.status when 'running' then 'run.step.started' else 'run.step.finished' end, r.id, r.tenant,
  json_build_object('step', m.step, 'status', m.status, 'total', m.total, 'completed', m.completed, 'failed', m.failed,
    'reason', m.reason)
from moved m, run r where r.id = $1 and m.status <> 'pending' order by m.position`,
};

/** $1 run, $2 now, $3 status, $4 output, $5 error. */
export const endRun: Statement<{ id: string }> = {
  name: "end_run",
  text: `
with ended as (
  update run set status = $3, output = $4::json, error = $5::json, ended_at = $2::bigint, paused_at = null
  where id = $1 and status = 'running'
  returning id, tenant, workflow, created_at, error
), told as (
  insert into event (at, type, run_id, tenant, data)
  select $2::bigint, 'run.' || $3, id, tenant,
    json_build_object('workflow', workflow, 'durationMs', $2::bigint - created_at, 'error', error)
  from ended
)
select id from ended`,
};

/** $1 run, $2 now. */
export const reopenRun: Statement = {
  name: "reopen_run",
  text: `
with reopened as (
  update run set status = 'running', output = null, error = null, ended_at = null where id = $1 returning id, tenant
)
insert into event (at, type, run_id, tenant, data)
select $2::bigint, 'run.retried', id, tenant, '{}'::json from reopened`,
};

/** Tasks of a run that have not ended. $1 run. */
export const openRunTasks: Statement<{ id: string }> = {
  name: "open_run_tasks",
  text: `
select id from task where run_id = $1 and status not in ('completed', 'failed', 'cancelled') order by id`,
};

/** Failed or cancelled tasks of some steps, locked. $1 run, $2 steps. */
export const failedStepTasks: Statement<{ id: string }> = {
  name: "failed_step_tasks",
  text: `
select id from task where run_id = $1 and step = any ($2::text[]) and status in ('failed', 'cancelled') order by id for update`,
};

/** Takes the tasks of steps that run anew out of them; they stay in the run as history, and dead letters no more. $1 run, $2 steps. */
export const supersedeTasks: Statement = {
  name: "supersede_tasks",
  text: `
update task set name = coalesce(name, step), step = null, item_index = null, dead_at = null
where run_id = $1 and step = any ($2::text[])`,
};

/** Runs with a step that is over and has not been looked at: a crash came between. $1 how many. */
export const stalledRuns: Statement<{ run_id: string }> = {
  name: "stalled_runs",
  text: `
select distinct s.run_id from run r join run_step s on s.run_id = r.id
where r.status = 'running' and s.status = 'running' and s.completed + s.failed >= s.total
order by s.run_id limit $1`,
};

/** A run stands still because its budget was reached. $1 run, $2 now, $3 what was reached. */
export const pauseRun: Statement<{ id: string }> = {
  name: "pause_run",
  text: `
with paused as (
  update run set paused_at = $2::bigint where id = $1 and status = 'running' and paused_at is null returning id, tenant
), told as (
  insert into event (at, type, run_id, tenant, data)
  select $2::bigint, 'run.paused', id, tenant, json_build_object('reached', $3::text) from paused
)
select id from paused`,
};

/** $1 run, $2 now, $3 what its budget got in addition. */
export const resumeRun: Statement<{ id: string }> = {
  name: "resume_run",
  text: `
with resumed as (
  update run set paused_at = null where id = $1 and status = 'running' and paused_at is not null returning id, tenant
), told as (
  insert into event (at, type, run_id, tenant, data)
  select $2::bigint, 'run.resumed', id, tenant, json_build_object('add', $3::json) from resumed
)
select id from resumed`,
};
