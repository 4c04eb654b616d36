import type { Statement } from "../../../ports/database.ts";

/**
 * Gives leased tasks back to the queue for another attempt, as rows with a time before which they do not run.
 * An attempt that does not count is made once more under its number; one that went on after waiting still goes on, with
 * its time-out and its journal. One that fell back from its agent was none of those that the task may have, and the
 * agent is remembered. A gated one has to pass the retry budget when its time comes.
 * $1 retries: [{id, ready_at, error, counted, gated, fell_back}], $2 now.
 */
export const retryTasks: Statement<{
  id: string;
  route: string;
  delayed: boolean;
  agent_id: string;
  budget_id: string | null;
  /** Its attempt may have taken locks, which others may wait for. */
  had_locks: boolean | null;
}> = {
  name: "retry_tasks",
  text: `
with incoming as materialized (
  select * from json_to_recordset($1::json) as x(id uuid, ready_at bigint, error json, counted boolean,
    gated boolean, fell_back boolean)
), kept as (
  insert into attempt (task_id, number, agent_id, agent_name, started_at, ended_at, error, rollout_id, rollout_side)
  select t.id, t.attempt, t.agent_id, t.agent_name, coalesce(t.timeout_at - t.timeout_ms, t.started_at), $2::bigint, i.error,
    t.rollout_id, t.rollout_side
  from incoming i join task t on t.id = i.id where i.counted
  on conflict (task_id, number) do nothing
), returned as (
  update task t set status = 'ready', ready_at = i.ready_at, delayed = i.ready_at > $2::bigint, error = i.error,
    lease_token = null, lease_until = null, pending = 0, resumed = t.resumed and not i.counted,
    timeout_at = case when t.resumed and not i.counted then t.timeout_at end,
    attempt = t.attempt - case when i.counted or t.resumed then 0 else 1 end,
    retry_gated = case when i.gated then true end,
    max_attempts = t.max_attempts + case when i.fell_back then 1 else 0 end,
    fell_back = case when i.fell_back then array_append(t.fell_back, t.agent_id) else t.fell_back end
  from incoming i
  where t.id = i.id and t.status in ('in_progress', 'waiting', 'ready')
  returning t.id, t.tenant, t.run_id, t.route, t.delayed, t.agent_id, t.agent_name, t.ready_at, t.error, t.step, t.budget_id,
    t.attempt + case when i.counted or t.resumed then 0 else 1 end as tried, coalesce(i.fell_back, false) as fell_back,
    t.has_locks as had_locks
), told as (
  insert into event (at, type, task_id, run_id, agent_id, tenant, data)
  select $2::bigint, 'task.retrying', id, run_id, agent_id, tenant,
    json_build_object('agent', agent_name, 'attempt', tried, 'step', step, 'error', error, 'notBefore', ready_at, 'fellBack', fell_back)
  from returned order by id
)
select id, route, delayed, agent_id, budget_id, had_locks from returned`,
};
