import type { Statement } from "../../../ports/database.ts";

/**
 * Whether the attempt that holds a lock, or waits for one, is live. It ends the lock in the moment in which it ends
 * itself, however it ends, without a statement more on the way of every task.
 */
const attemptIsLive = (of: string): string => `(${of}.task_id is null or exists (
    select from task t where t.id = ${of}.task_id and t.attempt = ${of}.attempt and t.lease_token is not null))`;

/** Proves the leases of tasks that take locks, marks the tasks and holds them. $1 ids, $2 lease tokens, $3 agents. */
export const holdTasks: Statement<{ id: string; attempt: number; tenant: string; locks: number }> = {
  name: "hold_tasks",
  text: `
with live as materialized (
  select t.id, t.attempt, t.tenant, t.has_locks
  from unnest($1::uuid[], $2::uuid[], $3::text[]) as i(id, token, agent)
  join task t on t.id = i.id and t.lease_token = i.token and t.agent_id = i.agent
  where t.status in ('in_progress', 'waiting', 'ready')
  order by t.id for update of t
), marked as (
  update task t set has_locks = true from live l where t.id = l.id and l.has_locks is not true
)
select id, attempt, tenant, (select count(*)::int from lock k where k.task_id = l.id) as locks from live l`,
};

/** Holds the rows of locks, and makes those that are missing. $1 distinct keys: [{tenant, name}]. */
export const holdLocks: Statement = {
  name: "hold_locks",
  text: `
insert into lock as l (tenant, name)
select x.tenant, x.name from json_to_recordset($1::json) as x(tenant text, name text) order by x.tenant, x.name
on conflict (tenant, name) do update set fence = l.fence`,
};

export interface LockRow {
  kind: "granted" | "waiting" | "full";
  tenant: string;
  name: string;
  token: string;
  fence: number | null;
  expires_at: number | null;
  /** In line. */
  place: number | null;
  task_id: string | null;
}

/**
 * Lets the lines of locks move on: a lock that is free, or whose holder's time or attempt is over, goes to whoever
 * stands first; newcomers line up behind all others. The caller holds the rows of the locks since an earlier statement.
 * Where nobody gets one, it commits without waiting for the disk: who lined up and was forgotten in a crash asks again.
 * $1 newcomers: [{ord, tenant, name, token, holder, task_id, attempt, ttl_ms, until}], $2 distinct keys of all locks
 * in question, $3 now, $4 how many may stand in one line.
 */
export const takeLocks: Statement<LockRow> = {
  name: "take_locks",
  text: `
with incoming as materialized (
  select * from json_to_recordset($1::json) as x(ord int, tenant text, name text, token uuid, holder text, task_id uuid,
    attempt int, ttl_ms bigint, until bigint)
), held as materialized (
  select l.tenant, l.name, l.fence, l.token, l.holder, l.task_id, l.expires_at,
    l.token is not null and l.expires_at > $3::bigint and ${attemptIsLive("l")} as live
  from json_to_recordset($2::json) as k(tenant text, name text)
  join lock l on l.tenant = k.tenant and l.name = k.name
), known as materialized (
  select v.*, coalesce(i.until, v.until) as awaited from held h
  join lock_waiter v on v.tenant = h.tenant and v.name = h.name
  left join incoming i on i.tenant = v.tenant and i.name = v.name and i.token = v.token
), line as materialized (
  select k.tenant, k.name, k.token, k.holder, k.task_id, k.attempt, k.ttl_ms, k.awaited as until, k.ticket, 0 as ord
  from known k where k.awaited > $3::bigint and ${attemptIsLive("k")}
  union all
  select i.tenant, i.name, i.token, i.holder, i.task_id, i.attempt, i.ttl_ms, i.until, null::bigint, i.ord
  from incoming i join held h on h.tenant = i.tenant and h.name = i.name
  where not (h.live and h.token = i.token)
    and not exists (select from known k where k.tenant = i.tenant and k.name = i.name and k.token = i.token)
), ranked as materialized (
  select l.*, h.live,
    (row_number() over (partition by l.tenant, l.name order by l.ticket nulls last, l.ord))::int as place
  from line l join held h on h.tenant = l.tenant and h.name = l.name
), chosen as materialized (
  select * from ranked where place = 1 and not live
), moved as (
  update lock l set token = c.token, holder = c.holder, task_id = c.task_id, attempt = c.attempt,
    acquired_at = case when c.token is null then null else $3::bigint end, expires_at = $3::bigint + c.ttl_ms,
    freed_at = case when c.token is null then $3::bigint end,
    fence = case when c.token is null then l.fence else nextval('lock_fence') end
  from held h left join chosen c on c.tenant = h.tenant and c.name = h.name
  where l.tenant = h.tenant and l.name = h.name and not h.live and (h.token is not null or c.token is not null)
  returning l.tenant, l.name, l.token, l.holder, l.task_id, l.fence, l.expires_at
), gone as (
  delete from lock_waiter v using known k
  where v.tenant = k.tenant and v.name = k.name and v.token = k.token
    and not exists (select from ranked r where r.tenant = k.tenant and r.name = k.name and r.token = k.token
      and (r.live or r.place > 1))
), prolonged as (
  update lock_waiter v set until = r.until from ranked r
  where v.tenant = r.tenant and v.name = r.name and v.token = r.token and (r.live or r.place > 1) and v.until <> r.until
), lined_up as (
  insert into lock_waiter (tenant, name, token, holder, task_id, attempt, ttl_ms, until)
  select tenant, name, token, holder, task_id, attempt, ttl_ms, until from ranked
  where ticket is null and (live or place > 1) and until > $3::bigint and place <= $4
  order by ord
), told as (
  insert into event (at, type, task_id, tenant, data)
  select $3::bigint, type, task_id, tenant, json_build_object('name', name, 'holder', holder, 'fence', fence) from (
    select 1 as ord, 'lock.expired' as type, h.task_id, h.tenant, h.name, h.holder, h.fence
    from held h where h.token is not null and not h.live
    union all
    select 2, 'lock.acquired', task_id, tenant, name, holder, fence from moved where token is not null
  ) e order by ord, tenant, name
), quick as materialized (
  select case when not exists (select from moved where token is not null)
    then set_config('synchronous_commit', 'off', true) end as value
)
select 'granted' as kind, tenant, name, token, fence, expires_at, null::int as place, task_id from moved where token is not null
union all
select 'granted', h.tenant, h.name, h.token, h.fence, h.expires_at, null, h.task_id from held h
where h.live and exists (select from incoming i where i.tenant = h.tenant and i.name = h.name and i.token = h.token)
union all
select case when place <= $4 or ticket is not null then 'waiting' else 'full' end, tenant, name, token, null, null, place,
  task_id from ranked cross join quick where live or place > 1`,
};

/**
 * Lets go of locks and gives each to whoever stands first in its line, in one statement of its own: the commonest
 * way of a lock, from hand to hand. It may wait for the row of a lock and see the line as it was before that. Others may
 * have lined up since, behind the first; whether the first is still there, its removal says. A line that looked empty
 * was so if the row is where it was, since every change of a line writes it. Otherwise nothing is done: `again`.
 * $1 grants: [{tenant, name, token}], $2 now.
 */
export const handOver: Statement<{
  kind: "released" | "granted" | "again";
  tenant: string;
  name: string;
  token: string;
  fence: number | null;
  expires_at: number | null;
  task_id: string | null;
}> = {
  name: "hand_over_locks",
  text: `
with seen as materialized (
  select l.tenant, l.name, l.ctid as place, i.token
  from json_to_recordset($1::json) as i(tenant text, name text, token uuid)
  join lock l on l.tenant = i.tenant and l.name = i.name and l.token = i.token
), held as materialized (
  select l.tenant, l.name, l.token, l.holder, l.task_id, l.fence, l.ctid = s.place as steady
  from seen s join lock l on l.tenant = s.tenant and l.name = s.name
  where l.token = s.token and l.expires_at > $2::bigint
  order by l.tenant, l.name for update of l
), first as materialized (
  select h.tenant, h.name, v.token from held h
  cross join lateral (
    select v.token from lock_waiter v
    where v.tenant = h.tenant and v.name = h.name and v.until > $2::bigint and ${attemptIsLive("v")}
    order by v.ticket limit 1) v
), next as (
  delete from lock_waiter v using first f
  where v.tenant = f.tenant and v.name = f.name and v.token = f.token
  returning v.tenant, v.name, v.token, v.holder, v.task_id, v.attempt, v.ttl_ms
), done as materialized (
  select h.tenant, h.name, h.token as was, h.holder as was_holder, h.task_id as was_task, h.fence as was_fence,
    n.token, n.holder, n.task_id, n.attempt, n.ttl_ms
  from held h left join next n on n.tenant = h.tenant and n.name = h.name
  where n.token is not null
    or (h.steady and not exists (select from first f where f.tenant = h.tenant and f.name = h.name))
), moved as (
  update lock l set token = d.token, holder = d.holder, task_id = d.task_id, attempt = d.attempt,
    acquired_at = case when d.token is null then null else $2::bigint end, expires_at = $2::bigint + d.ttl_ms,
    freed_at = case when d.token is null then $2::bigint end,
    fence = case when d.token is null then l.fence else nextval('lock_fence') end
  from done d where l.tenant = d.tenant and l.name = d.name
  returning l.tenant, l.name, l.token, l.holder, l.task_id, l.fence, l.expires_at
), told as (
  insert into event (at, type, task_id, tenant, data)
  select $2::bigint, type, task_id, tenant, json_build_object('name', name, 'holder', holder, 'fence', fence) from (
    select 1 as ord, 'lock.released' as type, was_task as task_id, tenant, name, was_holder as holder, was_fence as fence from done
    union all
    select 2, 'lock.acquired', task_id, tenant, name, holder, fence from moved where token is not null
  ) e order by ord, tenant, name
)
select case when d.was is null then 'again' else 'released' end as kind, h.tenant, h.name, h.token, null::bigint as fence,
  null::bigint as expires_at, h.task_id
from held h left join done d on d.tenant = h.tenant and d.name = h.name
union all
select 'granted', tenant, name, token, fence, expires_at, task_id from moved where token is not null`,
};

/** Lets go of locks, by whoever holds them. $1 grants: [{tenant, name, token}], $2 now, $3 event. */
export const releaseLocks: Statement<{ tenant: string; name: string; token: string }> = {
  name: "release_locks",
  text: `
with released as (
  update lock l set token = null, holder = null, task_id = null, attempt = null, acquired_at = null, expires_at = null,
    freed_at = $2::bigint
  from (
    select k.tenant, k.name, k.token, k.holder, k.task_id, k.fence
    from json_to_recordset($1::json) as i(tenant text, name text, token uuid)
    join lock k on k.tenant = i.tenant and k.name = i.name and k.token = i.token and k.expires_at > $2::bigint
    order by k.tenant, k.name for update of k
  ) h
  where l.tenant = h.tenant and l.name = h.name
  returning h.*
), told as (
  insert into event (at, type, task_id, tenant, data)
  select $2::bigint, 'lock.released', task_id, tenant, json_build_object('name', name, 'holder', holder, 'fence', fence)
  from released order by tenant, name
)
select tenant, name, token from released`,
};

/** Leaves lines; the caller holds the rows of the locks. $1 [{tenant, name, token}]. */
export const leaveLines: Statement<{ token: string }> = {
  name: "leave_lines",
  text: `
delete from lock_waiter v using json_to_recordset($1::json) as i(tenant text, name text, token uuid)
where v.tenant = i.tenant and v.name = i.name and v.token = i.token returning v.token`,
};

/** Prolongs a lock that is still held. $1 tenant, $2 name, $3 token, $4 now, $5 ttl. */
export const renewLock: Statement<{ fence: number; expires_at: number }> = {
  name: "renew_lock",
  text: `
update lock l set expires_at = $4::bigint + $5::bigint
where l.tenant = $1 and l.name = $2 and l.token = $3 and l.expires_at > $4::bigint and ${attemptIsLive("l")}
returning fence, expires_at`,
};

/**
 * Proves grants, and holds them until the transaction ends, so that what it writes is written under the lock. What is
 * not in the answer is not held. $1 grants: [{tenant, name, token}], $2 now.
 */
export const proveLocks: Statement<{ tenant: string; name: string; token: string; fence: number }> = {
  name: "prove_locks",
  text: `
select l.tenant, l.name, l.token, l.fence
from json_to_recordset($1::json) as i(tenant text, name text, token uuid)
join lock l on l.tenant = i.tenant and l.name = i.name and l.token = i.token
where l.expires_at > $2::bigint and ${attemptIsLive("l")}
order by l.tenant, l.name for share of l`,
};
