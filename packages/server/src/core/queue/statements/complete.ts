import type { Statement } from "../../../ports/database.ts";

export interface CompletionRow {
  /**
   * `ended`: accepted. `ready`: a dependent that may run now. `later`: one whose own time has not come. `step`: a
   * step of a run whose tasks have all ended.
   */
  kind: "ended" | "ready" | "later" | "step";
  id: string;
  route: string | null;
  agent_id: string | null;
  /** Of an accepted result: the lease it came under. */
  token: string | null;
  /** Of a dependent that may run now: what dispatch needs to know to hand it out without looking again. */
  tenant: string | null;
  priority: number | null;
  virtual_time: number | null;
  ready_at: number | null;
}

/**
 * The common end of a task, as one statement: the results whose lease is live are accepted, dependents are
 * counted down and become ready, steps of runs are counted up, events are written.
 *
 * It leaves alone what needs care: tasks that have sub-tasks, and tasks that got a dependent after they were
 * submitted (this statement's snapshot might miss it). Those and all other outcomes go through `settleWithCare`.
 * $1 results: [{id, token, output}], $2 now.
 */
export const complete: Statement<CompletionRow> = {
  name: "complete",
  text: `
with incoming as materialized (
  select * from json_to_recordset($1::json) as x(id uuid, token uuid, output json)
), ended as (
  update task t set status = 'completed', output = i.output, error = null, ended_at = $2::bigint,
    lease_token = null, lease_until = null
  from incoming i
  where t.id = i.id and t.lease_token = i.token and t.status = 'in_progress'
    and not t.has_children and not t.late_dependents
  returning t.id, t.tenant, t.run_id, t.step, t.agent_id, t.agent_name, t.attempt, t.started_at, i.token
), clock as materialized (
  select priority, virtual_time from fair_share where tenant = ''
), met as (
  select d.task_id, count(*)::int as n
  from ended e join dependency d on d.depends_on = e.id and d.kind = 'need'
  group by d.task_id
), counted_down as (
  update task t set
    pending = t.pending - m.n,
    status = case when t.join_policy = 'any' or t.pending <= m.n then 'ready' else 'blocked' end,
    ready_at = case when t.join_policy = 'any' or t.pending <= m.n then greatest(t.ready_at, $2::bigint) else t.ready_at end,
    delayed = (t.join_policy = 'any' or t.pending <= m.n) and coalesce(t.ready_at > $2::bigint, false),
    virtual_time = greatest(t.virtual_time,
      (select c.virtual_time from clock c where c.priority = t.priority))
  from met m
  where t.id = m.task_id and t.status = 'blocked'
  returning t.id, t.tenant, t.run_id, t.route, t.status, t.priority, t.virtual_time, t.delayed,
    t.ready_at
), counted_up as (
  update run_step s set completed = s.completed + c.n
  from (select run_id, step, count(*)::int as n from ended where step is not null group by run_id, step) c
  where s.run_id = c.run_id and s.step = c.step
  returning s.run_id, s.completed + s.failed >= s.total as over
), told as (
  insert into event (at, type, task_id, run_id, agent_id, tenant, data)
  select $2::bigint, type, id, run_id, agent_id, tenant, data from (
    select 1 as ord, 'task.completed' as type, id, run_id, agent_id, tenant,
      json_build_object('agent', agent_name, 'attempt', attempt, 'step', step, 'durationMs', $2::bigint - started_at) as data
    from ended
    union all
    select 2, 'task.ready', id, run_id, null, tenant, '{}'::json from counted_down where status = 'ready'
  ) e order by ord, id
)
select 'ended' as kind, id, null as route, agent_id, token, null as tenant, null as priority, null as virtual_time,
  null as ready_at from ended
union all
select case when delayed then 'later' else 'ready' end, id, route, null, null, tenant, priority, virtual_time, ready_at
from counted_down where status = 'ready'
union all
select 'step', run_id, null, null, null, null, null, null, null from counted_up where over`,
};
