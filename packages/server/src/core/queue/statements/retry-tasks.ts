import type { Statement } from "../../../ports/database.ts";

/**
 * Gives leased tasks back to the queue for another attempt, as rows with a time before which they do not run.
 * $1 retries: [{id, ready_at, error}], $2 now.
 */
export const retryTasks: Statement<{ id: string; route: string; delayed: boolean; agent_id: string }> = {
  name: "retry_tasks",
  text: `
with incoming as materialized (
  select * from json_to_recordset($1::json) as x(id uuid, ready_at bigint, error json)
), kept as (
  insert into attempt (task_id, number, agent_id, agent_name, started_at, ended_at, error)
  select t.id, t.attempt, t.agent_id, t.agent_name, t.started_at, $2::bigint, i.error
  from incoming i join task t on t.id = i.id
  on conflict (task_id, number) do nothing
), returned as (
  update task t set status = 'ready', ready_at = i.ready_at, delayed = i.ready_at > $2::bigint, error = i.error,
    lease_token = null, lease_until = null, timeout_at = null, resumed = false, pending = 0
  from incoming i
  where t.id = i.id and t.status in ('in_progress', 'waiting', 'ready')
  returning t.id, t.tenant, t.run_id, t.route, t.delayed, t.agent_id, t.agent_name, t.attempt, t.ready_at, t.error, t.step
), told as (
  insert into event (at, type, task_id, run_id, agent_id, tenant, data)
  select $2::bigint, 'task.retrying', id, run_id, agent_id, tenant,
    json_build_object('agent', agent_name, 'attempt', attempt, 'step', step, 'error', error, 'notBefore', ready_at)
  from returned order by id
)
select id, route, delayed, agent_id from returned`,
};
