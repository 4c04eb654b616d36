import type { Statement } from "../../../ports/database.ts";

/**
 * What a task waits for and cannot go on without: dependencies, awaited sub-tasks, the holder of a lock that it stands in
 * line for. Where one of several is enough, none of them is. $3: now.
 */
export const edgesOf = (id: string): string => `(
  select d.depends_on as waits_for, d.kind, null as tenant, null as name, null::uuid as token
  from task t join dependency d on d.task_id = t.id
  join task o on o.id = d.depends_on and o.ended_at is null
  where t.id = ${id} and case d.kind when 'need' then t.status = 'blocked' else t.status = 'waiting' end
    and ((d.kind = 'need' and t.join_policy <> 'any') or t.pending >= (
      select count(*) from dependency p join task q on q.id = p.depends_on and q.ended_at is null
      where p.task_id = t.id and p.kind = d.kind))
  union all
  select l.task_id, 'lock', v.tenant, v.name, v.token
  from lock_waiter v join lock l on l.tenant = v.tenant and l.name = v.name
  join task o on o.id = l.task_id and o.attempt = l.attempt and o.lease_token is not null
  where v.task_id = ${id} and v.until > $3::bigint and l.expires_at > $3::bigint and l.task_id <> v.task_id
)`;

/** A task on the way, with one thing that it waits for, or with none. */
export interface WaitRow {
  id: string;
  tenant: string;
  priority: number;
  started_at: number | null;
  status: string;
  waits_for: string | null;
  kind: "need" | "wait" | "lock" | null;
  /** Of a lock that it stands in line for. */
  lock_tenant: string | null;
  lock_name: string | null;
  lock_token: string | null;
}

/** Everything that these tasks wait for, and what that waits for, and so on. $1 ids, $2 how many tasks, $3 now. */
export const waitsFrom: Statement<WaitRow> = {
  name: "waits_from",
  text: `
with recursive reach(id) as (
  select x.id from unnest($1::uuid[]) as x(id)
  union
  select e.waits_for from reach r cross join lateral ${edgesOf("r.id")} e
), found as materialized (
  select id from reach limit $2
)
select t.id, t.tenant, t.priority, t.started_at, t.status, e.waits_for, e.kind,
  e.tenant as lock_tenant, e.name as lock_name, e.token as lock_token
from found f join task t on t.id = f.id and t.ended_at is null
left join lateral ${edgesOf("f.id")} e on true
order by t.id, e.waits_for, e.token`,
};

/** Tasks with which a circle of waiting could begin: every one has a parent that waits, or a line. $1 how many. */
export const findWaiting: Statement<{ id: string }> = {
  name: "find_waiting",
  text: `
select id from (
  select id from task where lease_until is not null and status = 'waiting'
  union
  select task_id from lock_waiter where task_id is not null
) w order by id limit $1`,
};

/** Says that tasks wait for each other. $1 now, $2 task, $3 type, $4 data. */
export const tellOfDeadlock: Statement = {
  name: "tell_of_deadlock",
  text: `
insert into event (at, type, task_id, run_id, tenant, data)
select $1::bigint, $3, id, run_id, tenant, $4::json from task where id = $2`,
};

/**
 * Lets tasks inherit the priority of those that wait for them. Among their new peers they come first, since the others came
 * later than who waits. $1 [{id, priority}], $2 now.
 */
export const raisePriority: Statement<{ id: string; route: string; status: string }> = {
  name: "raise_priority",
  text: `
with locked as materialized (
  select t.id, t.priority as before, x.priority from json_to_recordset($1::json) as x(id uuid, priority smallint)
  join task t on t.id = x.id where t.priority < x.priority and t.ended_at is null
  order by t.id for update of t
), raised as (
  update task t set priority = l.priority, virtual_time = least(t.virtual_time,
    coalesce((select f.virtual_time from fair_share f where f.tenant = '' and f.priority = l.priority), 0))
  from locked l where t.id = l.id
  returning t.id, t.tenant, t.run_id, t.route, t.status, l.before, t.priority
), told as (
  insert into event (at, type, task_id, run_id, tenant, data)
  select $2::bigint, 'task.raised', id, run_id, tenant, json_build_object('from', before, 'to', priority)
  from raised order by id
)
select id, route, status from raised`,
};
