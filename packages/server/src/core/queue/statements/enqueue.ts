import type { Statement } from "../../../ports/database.ts";
import type { ReadyTask } from "./peek-ready.ts";

/**
 * Inserts tasks that wait for nothing outside this batch, their dependencies and their events, and gives each
 * its place in the fair order: a tenant's next start tag, but none before the virtual clock of its priority.
 * Answers those that may run now.
 * $1 tasks, $2 dependencies, each named once, $3 now.
 */
export const enqueue: Statement<ReadyTask> = {
  name: "enqueue",
  text: `
with incoming as materialized (
  select *, row_number() over (partition by tenant, priority order by ord) as place
  from json_to_recordset($1::json) as x(
    ord int, id uuid, tenant text, name text, capability text, requested_agent text, tools text[], route text,
    status text, priority smallint, delayed boolean, ready_at bigint, run_id uuid, step text, item_index int,
    parent_id uuid, depth smallint, join_policy text, pending int, max_attempts int,
    retry json, timeout_ms bigint, deadline_at bigint, budget_id uuid, rollout_key text, input json)
), arrivals as (
  select i.tenant, i.priority, count(*) as n, count(*) / coalesce(max(w.weight), 1) as length
  from incoming i left join tenant w on w.id = i.tenant
  group by i.tenant, i.priority
), share as (
  insert into fair_share as s (tenant, priority, virtual_time, arrived)
  select a.tenant, a.priority, coalesce(v.virtual_time, 0) + a.length, a.length
  from arrivals a left join fair_share v on v.tenant = '' and v.priority = a.priority
  order by a.tenant, a.priority
  on conflict (tenant, priority) do update
    set virtual_time = greatest(s.virtual_time + excluded.arrived, excluded.virtual_time), arrived = excluded.arrived
  returning tenant, priority, virtual_time - arrived as start, arrived
), inserted as (
  insert into task (
    id, tenant, name, capability, requested_agent, tools, route, status, priority, virtual_time, delayed, ready_at,
    run_id, step, item_index, parent_id, depth, join_policy, pending, max_attempts,
    attempts_granted, retry, timeout_ms, deadline_at, deadline_ms,
    budget_id, rollout_key, input, created_at)
  select i.id, i.tenant, i.name, i.capability, i.requested_agent, coalesce(i.tools, '{}'), i.route, i.status, i.priority,
    s.start + i.place * s.arrived / a.n, i.delayed, i.ready_at,
    i.run_id, i.step, i.item_index, i.parent_id, i.depth, i.join_policy, i.pending, i.max_attempts,
    i.max_attempts, i.retry, i.timeout_ms, i.deadline_at,
    i.deadline_at - $3::bigint, i.budget_id, i.rollout_key, i.input, $3::bigint
  from incoming i
  join arrivals a on a.tenant = i.tenant and a.priority = i.priority
  join share s on s.tenant = i.tenant and s.priority = i.priority
  returning id, route, tenant, priority, virtual_time, status, delayed, budget_id
), linked as (
  insert into dependency (task_id, depends_on, kind)
  select x.task_id, x.depends_on, 'need' from json_to_recordset($2::json) as x(task_id uuid, depends_on uuid)
), told as (
  insert into event (at, type, task_id, run_id, tenant, data)
  select $3::bigint, 'task.submitted', i.id, i.run_id, i.tenant,
    json_build_object('status', i.status, 'capability', i.capability, 'agent', i.requested_agent,
      'step', i.step, 'parentId', i.parent_id)
  from incoming i order by i.ord
)
select id, route, tenant, priority, virtual_time, null as preferred_agent, null as avoid, budget_id
from inserted where status = 'ready' and not delayed`,
};
