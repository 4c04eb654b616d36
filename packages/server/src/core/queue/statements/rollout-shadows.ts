import type { RolloutDifference } from "@muster/sdk/protocol";
import type { Statement } from "../../../ports/database.ts";

export interface CopyableTask {
  id: string;
  tenant: string;
  capability: string;
  tools: string[];
  timeout_ms: number;
  ended_at: number;
  input: unknown;
}

/** Results of copies may come out of order by so much, when nodes write at once. */
const slackMs = 10_000;

/**
 * Completed tasks of the baseline that the shadow is to do once more, in the order in which they ended: of the share of
 * buckets that it has, and no more than its budget and the number of copies under way leave room for.
 * $1 rollout, $2 since, $3 lowest bucket, $4 copies in all at most, $5 copies under way at most, $6 how many.
 */
export const findCopyable: Statement<CopyableTask> = {
  name: "find_copyable",
  text: `
with made as materialized (
  select count(*)::int as total, (count(*) filter (where verdict is null))::int as open, max(task_ended_at) as newest
  from rollout_shadow where rollout_id = $1
)
select t.id, t.tenant, t.capability, t.tools, t.timeout_ms, t.ended_at, t.input
from made m, task t
where t.rollout_id = $1 and t.rollout_side = 'baseline' and t.status = 'completed'
  and t.ended_at >= greatest($2::bigint, coalesce(m.newest, 0) - ${slackMs})
  and substr(split_part(t.route, '|', 4), 2)::int >= $3::int
  and not exists (select from rollout_shadow s where s.rollout_id = $1 and s.task_id = t.id)
order by t.ended_at, t.id
limit greatest(0, (select least($6::int, $4::int - m.total, $5::int - m.open) from made m))`,
};

/** Answers those that no other node has noted. $1 rollout, $2 now, $3 copies: [{task_id, shadow_id, ended_at}]. */
export const noteShadows: Statement<{ shadow_id: string }> = {
  name: "note_shadows",
  text: `
insert into rollout_shadow (rollout_id, task_id, shadow_id, task_ended_at, made_at)
select $1::uuid, x.task_id, x.shadow_id, x.ended_at, $2::bigint
from json_to_recordset($3::json) as x(task_id uuid, shadow_id uuid, ended_at bigint)
order by x.task_id
on conflict (rollout_id, task_id) do nothing
returning shadow_id`,
};

export interface EndedShadow {
  task_id: string;
  shadow_id: string;
  comparison_id: string | null;
  tenant: string | null;
  /** Null where a row was removed meanwhile. */
  task_status: string | null;
  shadow_status: string | null;
  comparison_status: string | null;
  comparison: unknown;
  equal: boolean | null;
}

/** Copies that have ended and have no verdict, with the comparison where there is one. $1 rollout, $2 how many. */
export const endedShadows: Statement<EndedShadow> = {
  name: "ended_shadows",
  text: `
select s.task_id, s.shadow_id, s.comparison_id, x.tenant, t.status as task_status, x.status as shadow_status,
  c.status as comparison_status, c.output as comparison,
  coalesce(t.output::jsonb, 'null') = coalesce(x.output::jsonb, 'null') as equal
from rollout_shadow s
left join task t on t.id = s.task_id
left join task x on x.id = s.shadow_id
left join task c on c.id = s.comparison_id
where s.rollout_id = $1 and s.verdict is null and (x.id is null or x.ended_at is not null)
  and (s.comparison_id is null or c.id is null or c.ended_at is not null)
order by s.shadow_id limit $2`,
};

/** What two tasks were given and gave. $1 task, $2 copy. */
export const readPair: Statement<{ input: unknown; baseline: unknown; candidate: unknown }> = {
  name: "read_shadow_pair",
  text: `
select t.input, t.output as baseline, x.output as candidate from task t, task x where t.id = $1 and x.id = $2`,
};

/** A comparison is under way. Nothing where another node was first. $1 rollout, $2 task, $3 comparison. */
export const noteComparison: Statement<{ task_id: string }> = {
  name: "note_comparison",
  text: `
update rollout_shadow set comparison_id = $3 where rollout_id = $1 and task_id = $2 and verdict is null and comparison_id is null
returning task_id`,
};

/** $1 rollout, $2 verdicts: [{task_id, verdict, difference}]. */
export const writeVerdicts: Statement = {
  name: "write_verdicts",
  text: `
update rollout_shadow s set verdict = x.verdict, difference = x.difference
from json_to_recordset($2::json) as x(task_id uuid, verdict text, difference json)
where s.rollout_id = $1 and s.task_id = x.task_id and s.verdict is null`,
};

/** Only the newest differences are kept in full. $1 rollout, $2 how many. */
export const trimDifferences: Statement = {
  name: "trim_differences",
  text: `
update rollout_shadow set difference = null
where rollout_id = $1 and task_id in (
  select task_id from rollout_shadow where rollout_id = $1 and difference is not null
  order by shadow_id desc offset $2)`,
};

/** $1 rollout. */
export const countVerdicts: Statement<{ open: number; equal: number; different: number; failed: number }> = {
  name: "count_verdicts",
  text: `
select (count(*) filter (where verdict is null))::int as open, (count(*) filter (where verdict = 'equal'))::int as equal,
  (count(*) filter (where verdict = 'different'))::int as different, (count(*) filter (where verdict = 'failed'))::int as failed
from rollout_shadow where rollout_id = $1`,
};

/** Newest first. $1 rollout, $2 how many. */
export const readDifferences: Statement<{ difference: RolloutDifference }> = {
  name: "read_differences",
  text: `
select difference from rollout_shadow where rollout_id = $1 and difference is not null order by shadow_id desc limit $2`,
};

/** Ends the wait for verdicts; answers the tasks that have no purpose any more. $1 rollout. */
export const abandonShadows: Statement<{ id: string }> = {
  name: "abandon_shadows",
  text: `
with left_over as (
  update rollout_shadow set verdict = 'failed' where rollout_id = $1 and verdict is null returning shadow_id, comparison_id
)
select t.id from left_over l join task t on t.id = l.shadow_id or t.id = l.comparison_id where t.ended_at is null order by t.id`,
};
