import type { Statement } from "../../../ports/database.ts";

/**
 * Gives failed or cancelled tasks their attempts back and makes them ready. What they needed has counted
 * already, so they wait for nothing. Steps of runs count them as open again. $1 ids, $2 now.
 */
export const retryByHand: Statement<{ id: string; route: string; run_id: string | null }> = {
  name: "retry_by_hand",
  text: `
with again as (
  update task t set status = 'ready', ended_at = null, error = null, output = null, delayed = false, ready_at = $2::bigint,
    max_attempts = t.attempt + t.attempts_granted, timeout_at = null, resumed = false, pending = 0,
    deadline_at = case when t.deadline_at is null then null else $2::bigint + (t.deadline_at - t.created_at) end
  where t.id = any ($1::uuid[]) and t.status in ('failed', 'cancelled')
  returning t.id, t.tenant, t.run_id, t.step, t.route
), uncounted as (
  update run_step s set failed = s.failed - c.n, status = 'running'
  from (select run_id, step, count(*)::int as n from again where step is not null group by run_id, step) c
  where s.run_id = c.run_id and s.step = c.step
), told as (
  insert into event (at, type, task_id, run_id, tenant, data)
  select $2::bigint, 'task.retried', id, run_id, tenant, json_build_object('step', step) from again order by id
)
select id, route, run_id from again`,
};
