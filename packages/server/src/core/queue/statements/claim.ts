import type { Statement } from "../../../ports/database.ts";

export interface ClaimedTask {
  id: string;
  token: string;
  agent_id: string;
  capability: string | null;
  priority: number;
  attempt: number;
  max_attempts: number;
  timeout_at: number;
  run_id: string | null;
  /** The lease ends then: at the latest with the attempt's timeout or the task's deadline. */
  lease_until: number;
  parent_id: string | null;
  resumed: boolean;
  /** Somebody began it before, in an attempt that may not have counted: there may be a journal. */
  tried?: boolean;
  input: unknown;
}

/**
 * Leases ready tasks to agents. Commits without waiting for the disk: a claim that a crash forgets is claimed
 * again.
 *
 * Two phrases are for the planner, whose plan of a young table is kept: `ord between` makes it expect one row, and
 * `status || ''` keeps it from walking the index of everything that is ready; each task is found by its id.
 *
 * An attempt that goes on when its time is over gets a lease that ends at once, and with it the attempt, as a time-out.
 * $1 claims: [{id, token, agent_id, agent_name, rollout_id, rollout_side}], $2 now, $3 lease in ms.
 */
export const claim: Statement<ClaimedTask> = {
  name: "claim",
  text: `
with quick as materialized (select set_config('synchronous_commit', 'off', true) as value
), incoming as materialized (
  select x.* from quick, rows from (json_to_recordset($1::json) as (id uuid, token uuid, agent_id text, agent_name text,
      rollout_id uuid, rollout_side text))
    with ordinality as x(id, token, agent_id, agent_name, rollout_id, rollout_side, ord) where ord between 1 and 1000
), claimed as (
  update task t set
    status = 'in_progress', agent_id = i.agent_id, agent_name = i.agent_name, lease_token = i.token,
    rollout_id = i.rollout_id, rollout_side = i.rollout_side,
    attempt = t.attempt + case when t.resumed then 0 else 1 end,
    started_at = coalesce(t.started_at, $2::bigint),
    timeout_at = case when t.resumed then t.timeout_at else $2::bigint + t.timeout_ms end,
    lease_until = greatest($2::bigint, least($2::bigint + $3::bigint, t.deadline_at,
      case when t.resumed then t.timeout_at else $2::bigint + t.timeout_ms end))
  from incoming i
  where t.id = i.id and t.status || '' = 'ready' and not t.delayed
  returning t.id, t.tenant, t.priority, t.virtual_time, t.lease_token as token, t.agent_id, t.agent_name, t.capability, t.attempt,
    t.max_attempts, t.timeout_at, t.lease_until, t.run_id, t.step, t.parent_id, t.resumed, t.input,
    t.error is not null or t.started_at < $2::bigint as tried
), tick as (
  insert into fair_share as s (tenant, priority, virtual_time)
  select '', priority, max(virtual_time) from claimed group by priority order by priority
  on conflict (tenant, priority) do update set virtual_time = greatest(s.virtual_time, excluded.virtual_time)
), told as (
  insert into event (at, type, task_id, run_id, agent_id, tenant, data)
  select $2::bigint, 'task.started', id, run_id, agent_id, tenant,
    json_build_object('agent', agent_name, 'attempt', attempt, 'resumed', resumed, 'step', step)
  from claimed order by id
)
select id, token, agent_id, capability, priority, attempt, max_attempts, timeout_at, lease_until, run_id, parent_id, resumed, tried, input
from claimed`,
};
