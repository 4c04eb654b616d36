import type { Statement } from "../../../ports/database.ts";

export interface ReleasedTask {
  id: string;
  route: string;
  status: "ready" | "blocked" | "waiting" | "failed";
  /** Of one that became ready, but whose own time has not come: when it does. */
  due_at: number | null;
  /** For one that can't run any more: the dependency that is to blame. */
  cause: string | null;
  cause_status: string | null;
  /** What the person said who kept a gate shut. */
  cause_words: string | null;
}

/**
 * Tells the dependents of tasks that just ended: each is counted down by its join policy and becomes ready,
 * or is named as one that can never run (`cause`; the caller ends it in the next wave of the cascade).
 * A parent that waits for sub-tasks is a dependent too; however they ended, it goes on, and where it had asked people it has
 * its timeout anew. $1 ids, $2 now.
 */
export const releaseDependents: Statement<ReleasedTask> = {
  name: "release_dependents",
  text: `
with met as (
  select d.task_id, d.kind,
    count(*)::int as n,
    (count(*) filter (where e.status = 'completed'))::int as good,
    min(e.id::text) filter (where e.status <> 'completed') as bad
  from task e join dependency d on d.depends_on = e.id
  where e.id = any ($1::uuid[])
  group by d.task_id, d.kind
), verdict as materialized (
  select t.id, m.kind, m.n, m.bad,
    case
      when m.kind = 'wait' or t.join_policy = 'settled' then t.pending <= m.n
      when t.join_policy = 'any' then m.good > 0
      else m.bad is null and t.pending <= m.n
    end as runs,
    m.kind = 'need' and case t.join_policy
      when 'all' then m.bad is not null
      when 'any' then m.good = 0 and t.pending <= m.n
      else false
    end as doomed
  from met m join task t on t.id = m.task_id
    and t.status = case m.kind when 'need' then 'blocked' else 'waiting' end
  order by t.id for update of t
), changed as (
  update task t set
    pending = greatest(t.pending - v.n, 0),
    status = case when v.runs then 'ready' else t.status end,
    resumed = t.resumed or (v.runs and v.kind = 'wait'),
    lease_until = case when v.runs then null else t.lease_until end,
    timeout_at = case when v.runs and v.kind = 'wait' then least(t.timeout_at, $2::bigint + t.timeout_ms) else t.timeout_at end,
    ready_at = case when v.runs then greatest(t.ready_at, $2::bigint) else t.ready_at end,
    delayed = v.runs and coalesce(t.ready_at > $2::bigint, false),
    virtual_time = greatest(t.virtual_time,
      (select f.virtual_time from fair_share f where f.tenant = '' and f.priority = t.priority))
  from verdict v
  where t.id = v.id and not v.doomed
  returning t.id, t.tenant, t.run_id, t.route, t.status, case when t.delayed then t.ready_at end as due_at
), told as (
  insert into event (at, type, task_id, run_id, tenant, data)
  select $2::bigint, 'task.ready', id, run_id, tenant, '{}'::json from changed where status = 'ready' order by id
)
select id, route, status, due_at, null as cause, null as cause_status, null as cause_words from changed
union all
select v.id, null, 'failed', null, v.bad, c.status, case when g.task_id is not null then c.error ->> 'message' end
from verdict v join task c on c.id = v.bad::uuid left join inbox_item g on g.task_id = c.id and g.gate where v.doomed`,
};
