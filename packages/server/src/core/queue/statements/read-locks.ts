import type { Statement } from "../../../ports/database.ts";

export interface LockKey {
  tenant: string;
  name: string;
}

/**
 * Locks whose line has to move on: the holder's time or attempt is over, nobody holds it and somebody waits, or
 * somebody in line was not heard of again. $1 now, $2 how many.
 */
export const findDueLocks: Statement<LockKey> = {
  name: "find_due_locks",
  text: `
select tenant, name from (
  select tenant, name from lock where token is not null and expires_at <= $1
  union select tenant, name from lock_waiter where until <= $1
  union select l.tenant, l.name from lock l left join task t on t.id = l.task_id
    where l.task_id is not null and (t.id is null or t.lease_token is null or t.attempt <> l.attempt)
  union select l.tenant, l.name from lock_waiter v join lock l on l.tenant = v.tenant and l.name = v.name
    where l.token is null
) due order by tenant, name limit $2`,
};

/** Locks that attempts at these tasks held or waited for. $1 ids. */
export const findLocksOf: Statement<LockKey> = {
  name: "find_locks_of",
  text: `
select tenant, name from lock where task_id = any ($1::uuid[])
union select tenant, name from lock_waiter where task_id = any ($1::uuid[]) order by tenant, name`,
};

/** Which of these tokens hold a lock. $1 tokens, $2 now. */
export const findGrants: Statement<LockKey & { token: string; fence: number; expires_at: number }> = {
  name: "find_grants",
  text: `
select l.tenant, l.name, l.token, l.fence, l.expires_at from lock l
where l.token = any ($1::uuid[]) and l.expires_at > $2::bigint order by l.tenant, l.name`,
};

/** The token of whoever holds a lock. $1 tenant, $2 name, $3 now. */
export const findHolder: Statement<{ token: string }> = {
  name: "find_holder",
  text: "select token from lock where tenant = $1 and name = $2 and token is not null and expires_at > $3::bigint",
};

export interface SeenLock extends LockKey {
  fence: number;
  holder: string | null;
  task_id: string | null;
  acquired_at: number | null;
  expires_at: number | null;
  waiting: number;
}

/**
 * Locks that are held or waited for, in the order of tenants and names.
 * $1 tenant (*: all), $2 prefix, $3 behind this name, $4 the one name, $5 now, $6 how many.
 */
export const listLocks: Statement<SeenLock> = {
  name: "list_locks",
  text: `
select l.tenant, l.name, l.fence, h.holder, h.task_id, h.acquired_at, h.expires_at, w.waiting
from lock l
cross join lateral (
  select count(*)::int as waiting from lock_waiter v where v.tenant = l.tenant and v.name = l.name and v.until > $5::bigint
) w
left join lateral (
  select l.holder, l.task_id, l.acquired_at, l.expires_at where l.token is not null and l.expires_at > $5::bigint
    and (l.task_id is null or exists (
      select from task t where t.id = l.task_id and t.attempt = l.attempt and t.lease_token is not null))
) h on true
where ($1 = '*' or l.tenant = $1) and starts_with(l.name, $2) and ($3::text is null or l.name > $3)
  and ($4::text is null or l.name = $4) and ($4::text is not null or h.holder is not null or w.waiting > 0)
order by l.name, l.tenant limit $6`,
};

/** Who stands in a line, the next one first. $1 tenant, $2 name, $3 now, $4 how many. */
export const readLine: Statement<{ holder: string; task_id: string | null }> = {
  name: "read_line",
  text: `
select holder, task_id from lock_waiter where tenant = $1 and name = $2 and until > $3::bigint
order by ticket limit $4`,
};

/** Removes what is left of locks that have been free for long. $1 before, $2 how many. */
export const pruneLocks: Statement<LockKey> = {
  name: "prune_locks",
  text: `
delete from lock where (tenant, name) in (
  select l.tenant, l.name from lock l
  where l.token is null and l.freed_at < $1
    and not exists (select from lock_waiter v where v.tenant = l.tenant and v.name = l.name)
  order by l.tenant, l.name limit $2 for update skip locked)
returning tenant, name`,
};
