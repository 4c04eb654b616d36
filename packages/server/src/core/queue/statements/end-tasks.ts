import type { Statement } from "../../../ports/database.ts";

/** A task that has just ended, with what the cascade needs to know of it. */
export interface EndedTask {
  id: string;
  status: "completed" | "failed" | "cancelled";
  run_id: string | null;
  step: string | null;
  agent_id: string | null;
  agent_name: string | null;
  /** What it was doing before: an agent may have to be told to stop. */
  was_leased: boolean;
  budget_id: string | null;
  /** Its attempt took locks, which others may wait for. */
  has_locks: boolean | null;
}

const uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";
/** The task that an error names as its cause. Agents write errors, so it may be any text. */
const causeId = `case when i.error ->> 'taskId' ~ '^${uuid}$' then (i.error ->> 'taskId')::uuid end`;

/**
 * Ends tasks that have not ended. $1 ends: [{id, status, output, error}], $2 now.
 * The attempt that was under way, if it did not complete, is kept in `attempt`. A task that failed is a dead letter,
 * unless it failed because another one of its tenant failed or was cancelled (then that one is to be seen to) or was
 * a shadow, whose end matters to nobody.
 */
export const endTasks: Statement<EndedTask> = {
  name: "end_tasks",
  text: `
with incoming as materialized (
  select * from json_to_recordset($1::json) as x(id uuid, status text, output json, error json)
), before as materialized (
  select i.*, t.lease_token is not null and t.status in ('in_progress', 'waiting') as was_leased,
    case when i.status = 'failed' and t.rollout_side is distinct from 'shadow' and not exists (select from task c where c.id <> t.id and c.tenant = t.tenant
      and c.status in ('failed', 'cancelled') and c.id = ${causeId}) then $2::bigint end as dead_at
  from incoming i join task t on t.id = i.id
  where t.status not in ('completed', 'failed', 'cancelled')
  order by t.id for update of t
), ended as (
  update task t set status = b.status, output = b.output, error = b.error, ended_at = $2::bigint,
    lease_token = null, lease_until = null, delayed = false, retry_gated = null,
    dead_at = b.dead_at
  from before b
  where t.id = b.id
  returning t.id, t.status, t.tenant, t.run_id, t.step, t.capability, t.agent_id, t.agent_name, t.attempt, t.started_at, t.error,
    t.dead_at, coalesce(t.timeout_at - t.timeout_ms, t.started_at) as attempt_at, t.rollout_id, t.rollout_side, b.was_leased,
    t.budget_id, t.has_locks
), kept as (
  insert into attempt (task_id, number, agent_id, agent_name, started_at, ended_at, error, rollout_id, rollout_side)
  select id, attempt, agent_id, agent_name, attempt_at, $2::bigint, error, rollout_id, rollout_side from ended
  where was_leased and status <> 'completed' and attempt > 0
  on conflict (task_id, number) do nothing
), told as (
  insert into event (at, type, task_id, run_id, agent_id, tenant, data)
  select $2::bigint, type, id, run_id, agent_id, tenant, data from (
    select 1 as ord, 'task.' || status as type, id, run_id, agent_id, tenant,
      case when status = 'completed'
        then json_build_object('agent', agent_name, 'attempt', attempt, 'step', step, 'durationMs', $2::bigint - started_at)
        else json_build_object('agent', agent_name, 'attempt', attempt, 'step', step, 'error', error) end as data
    from ended
    union all
    select 2, 'task.dead', id, run_id, agent_id, tenant,
      json_build_object('capability', capability, 'attempt', attempt, 'step', step, 'error', error)
    from ended where dead_at is not null
  ) e order by ord, id
)
select id, status, run_id, step, agent_id, agent_name, was_leased, budget_id, has_locks from ended`,
};
