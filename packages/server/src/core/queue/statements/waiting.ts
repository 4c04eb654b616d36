import type { Statement } from "../../../ports/database.ts";

/** A task that is worked on, locked under its live lease. */
export interface LiveParent {
  tenant: string;
  run_id: string | null;
  depth: number;
  status: string;
  rollout_side: string | null;
  children: number;
  budget_id: string | null;
}

/** Locks the tree of budgets that the task is under first, if there is one. $1 task, $2 token. No row: the lease is not live. */
export const lockParent: Statement<LiveParent> = {
  name: "lock_parent",
  text: `
with above as materialized (
  select r.id from task t join budget b on b.id = t.budget_id join budget r on r.id = b.root_id where t.id = $1 for update of r
)
select t.tenant, t.run_id, t.depth, t.status, t.budget_id, t.rollout_side,
  case when t.has_children then (select count(*)::int from task c where c.parent_id = t.id) else 0 end as children
from task t left join above on true
where t.id = $1 and t.lease_token = $2 and t.status in ('in_progress', 'waiting', 'ready')
for update of t`,
};

/** Says that a task has sub-tasks, which sends its settling down the careful path. $1 task. */
export const adopt: Statement = {
  name: "adopt",
  text: `update task set has_children = true where id = $1 and not has_children`,
};

/**
 * Lets a task wait, or wait for something else: its slot is free, its attempt goes on later, its timeout and
 * deadline stay. The caller holds the task's lock. The edges of an earlier wait are forgotten. $1 task, $2 how many must end, $3 now.
 */
export const park: Statement<{ id: string }> = {
  name: "park",
  text: `
with forgotten as (
  delete from dependency where task_id = $1 and kind = 'wait'
), before as materialized (
  select id, status from task where id = $1 and status in ('in_progress', 'waiting')
), parked as (
  update task t set status = 'waiting', pending = $2::int, lease_until = least(timeout_at, deadline_at), resumed = false
  from before b where t.id = b.id
  returning t.id, t.tenant, t.run_id, t.agent_id, t.agent_name, t.pending, b.status as was
), told as (
  insert into event (at, type, task_id, run_id, agent_id, tenant, data)
  select $3::bigint, 'task.waiting', id, run_id, agent_id, tenant, json_build_object('agent', agent_name, 'on', pending)
  from parked where was = 'in_progress'
)
select id from parked`,
};
