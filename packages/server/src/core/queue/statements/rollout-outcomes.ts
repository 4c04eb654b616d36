import type { Statement } from "../../../ports/database.ts";

export interface OutcomeRow {
  side: "baseline" | "candidate" | "shadow";
  completed: number;
  failed: number;
  mean_ms: number | null;
  p95_ms: number | null;
}

/**
 * What came of attempts since a moment, by side: of the newest ones, so that a look at a long step costs no more than
 * at a short one. How long an attempt took is the time since its lease began, which its timeout tells. Failures that
 * are the submitter's or another task's fault say nothing of the side.
 * $1 rollout, $2 since, $3 how many of each side.
 */
export const readOutcomes: Statement<OutcomeRow> = {
  name: "read_rollout_outcomes",
  text: `
select s.side, c.n as completed, f.n as failed, c.mean_ms, c.p95_ms
from unnest(array['baseline', 'candidate', 'shadow']) as s(side)
cross join lateral (
  select greatest($2::bigint, (select t.ended_at from task t
    where t.rollout_id = $1 and t.rollout_side = s.side and t.ended_at >= $2::bigint
    order by t.ended_at desc offset $3 limit 1)) as since
) w
cross join lateral (
  select count(*)::int as n, avg(ms)::float8 as mean_ms, percentile_cont(0.95) within group (order by ms) as p95_ms
  from (
    select greatest(t.ended_at - (t.timeout_at - t.timeout_ms), 0)::float8 as ms from task t
    where t.rollout_id = $1 and t.rollout_side = s.side and t.ended_at >= w.since and t.status = 'completed'
    order by t.ended_at desc limit $3
  ) x
) c
cross join lateral (
  select count(*)::int as n from (
    select from attempt a
    where a.rollout_id = $1 and a.rollout_side = s.side and a.ended_at >= w.since and a.error->>'taskId' is null
      and a.error->>'code' not in ('invalid_input', 'cancelled', 'deadline', 'parent_ended')
    limit $3
  ) y
) f`,
};
