import type { Statement } from "../../../ports/database.ts";

/**
 * Removes tasks that ended before a moment and that nobody needs any more: no open run, parent or dependent.
 * Ids grow with time, so the oldest come first without an index on when they ended. Dead letters stay until they are
 * none any more. $1 before, $2 how many.
 */
export const pruneTasks: Statement<{ id: string }> = {
  name: "prune_tasks",
  text: `
with oldest as (
  select id, ended_at, run_id, parent_id from task where dead_at is null order by id limit $2 * 2
), chosen as (
  select o.id from oldest o
  where o.ended_at < $1
    and not exists (select 1 from run r where r.id = o.run_id and (r.ended_at is null or r.ended_at >= $1))
    and not exists (select 1 from task p where p.id = o.parent_id and p.ended_at is null)
    and not exists (select 1 from dependency d join task x on x.id = d.task_id
      where d.depends_on = o.id and x.ended_at is null)
  order by o.id limit $2
), edges as (
  delete from dependency d using chosen c where d.depends_on = c.id
), own_edges as (
  delete from dependency d using chosen c where d.task_id = c.id
), keys as (
  delete from idempotency_key k using chosen c where k.target_id = c.id
)
delete from task t using chosen c where t.id = c.id returning t.id`,
};

/** Runs that ended before a moment, but for those with dead letters, which can still go on. $1 before, $2 how many. */
export const pruneRuns: Statement<{ id: string }> = {
  name: "prune_runs",
  text: `
delete from run where id in (
  select id from (
    select id, ended_at from run r
    where not exists (select from task t where t.run_id = r.id and t.dead_at is not null)
    order by id limit $2 * 2) o
  where o.ended_at < $1 order by id limit $2)
returning id`,
};

/** $1 before, $2 how many. */
export const pruneEvents: Statement<{ seq: number }> = {
  name: "prune_events",
  text: `
delete from event where seq in (
  select seq from (select seq, at from event order by seq limit $2) o where o.at < $1)
returning seq`,
};

/** Idempotency keys whose time is over. $1 before, $2 how many. */
export const pruneKeys: Statement<{ key: string }> = {
  name: "prune_keys",
  text: `
delete from idempotency_key where (tenant, key) in (
  select tenant, key from idempotency_key where created_at < $1 limit $2)
returning key`,
};
