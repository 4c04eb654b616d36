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
}

/**
 * Ends tasks that have not ended. $1 ends: [{id, status, output, error}], $2 now.
 * The attempt that was under way, if it did not complete, is kept in `attempt`.
 */
export const endTasks: Statement<EndedTask> = {
  name: "end_tasks",
  text: `
with incoming as materialized (
  select * from json_to_recordset($1::json) as x(id uuid, status text, output json, error json)
), before as materialized (
  select i.*, t.lease_token is not null and t.status in ('in_progress', 'waiting') as was_leased
  from incoming i join task t on t.id = i.id
  where t.status not in ('completed', 'failed', 'cancelled')
  order by t.id for update of t
), ended as (
  update task t set status = b.status, output = b.output, error = b.error, ended_at = $2::bigint,
    lease_token = null, lease_until = null, delayed = false
  from before b
  where t.id = b.id
  returning t.id, t.status, t.tenant, t.run_id, t.step, t.agent_id, t.agent_name, t.attempt, t.started_at, t.error,
    b.was_leased
), kept as (
  insert into attempt (task_id, number, agent_id, agent_name, started_at, ended_at, error)
  select id, attempt, agent_id, agent_name, started_at, $2::bigint, error from ended
  where was_leased and status <> 'completed' and attempt > 0
  on conflict (task_id, number) do nothing
), told as (
  insert into event (at, type, task_id, run_id, agent_id, tenant, data)
  select $2::bigint, 'task.' || status, id, run_id, agent_id, tenant,
    case when status = 'completed'
      then json_build_object('agent', agent_name, 'attempt', attempt, 'step', step, 'durationMs', $2::bigint - started_at)
      else json_build_object('agent', agent_name, 'attempt', attempt, 'step', step, 'error', error) end
  from ended order by id
)
select id, status, run_id, step, agent_id, agent_name, was_leased from ended`,
};
