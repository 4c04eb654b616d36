import { limits } from "@muster/sdk/protocol";
import type { Statement } from "../../../ports/database.ts";

/** Holds ended tasks as they are, so that a dependent which is just being added is seen. $1 ids. */
export const lockEnded: Statement<{ id: string }> = {
  name: "lock_ended",
  text: `select id from task where id = any ($1::uuid[]) order by id for update`,
};

/**
 * Gives failed or cancelled tasks their attempts back and makes them ready. What they needed has counted
 * already, so they wait for nothing. Steps of runs count them as open again, and so do tasks that still wait
 * and had counted them as ended. A question is asked anew, of everybody that it was for, and open for as long as one may be. The caller has locked them in an earlier statement. $1 ids, $2 now.
 */
export const retryByHand: Statement<{
  id: string;
  route: string;
  run_id: string | null;
  deadline_at: number | null;
}> = {
  name: "retry_by_hand",
  text: `
with again as (
  update task t set status = 'ready', ended_at = null, error = null, output = null, delayed = false, ready_at = $2::bigint,
    dead_at = null, retry_gated = null,
    max_attempts = t.attempt + t.attempts_granted, timeout_at = null, resumed = false, pending = 0,
    deadline_at = $2::bigint + t.deadline_ms, fell_back = null
  where t.id = any ($1::uuid[]) and t.status in ('failed', 'cancelled')
  returning t.id, t.tenant, t.run_id, t.step, t.route, t.deadline_at
), awaited as (
  select d.task_id, d.kind, count(*)::int as n from again a join dependency d on d.depends_on = a.id group by d.task_id, d.kind
), recounted as (
  update task t set pending = t.pending + w.n
  from awaited w
  where t.id = w.task_id and t.status = case w.kind when 'need' then 'blocked' else 'waiting' end
), uncounted as (
  update run_step s set failed = s.failed - c.n, status = 'running'
  from (select run_id, step, count(*)::int as n from again where step is not null group by run_id, step) c
  where s.run_id = c.run_id and s.step = c.step
), asked_anew as (
  update inbox_item i set claimed_by = null, claimed_until = null, answered_by = null, answered_at = null, declined = '{}',
    escalated = false, escalate_at = null, remind_at = null, expires_at = $2::bigint + ${limits.durationMs},
    due_at = $2::bigint + ${limits.durationMs}
  from again a where i.task_id = a.id and i.kind <> 'task'
), told as (
  insert into event (at, type, task_id, run_id, tenant, data)
  select $2::bigint, 'task.retried', id, run_id, tenant, json_build_object('step', step) from again order by id
)
select id, route, run_id, deadline_at from again`,
};
