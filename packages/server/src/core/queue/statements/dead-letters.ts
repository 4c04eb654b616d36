import type { TaskError } from "@muster/sdk/protocol";
import type { Statement } from "../../../ports/database.ts";

export interface DeadRow {
  id: string;
  tenant: string;
  name: string | null;
  capability: string | null;
  requested_agent: string | null;
  run_id: string | null;
  step: string | null;
  parent_id: string | null;
  attempt: number;
  error: TaskError;
  created_at: number;
  dead_at: number;
  agents: string[];
  /** It depends on nothing and belongs to nothing, so it can be retried without a look around. */
  alone: boolean;
}

/**
 * Dead letters, newest first. $1 tenant (*: all), $2 capability, $3 run, $4 code, $5 died before, $6 died after, $7 ids,
 * $8 and $9 only those behind this time and id, $10 how many.
 */
export const listDead: Statement<DeadRow> = {
  name: "list_dead",
  text: `
select t.id, t.tenant, t.name, t.capability, t.requested_agent, t.run_id, t.step, t.parent_id, t.attempt, t.error,
  t.created_at, t.dead_at,
  (select coalesce(json_agg(distinct a.agent_name), '[]'::json) from attempt a where a.task_id = t.id) as agents,
  t.run_id is null and t.parent_id is null
    and not exists (select from dependency d where d.task_id = t.id and d.kind = 'need') as alone
from task t
where t.dead_at is not null and ($1 = '*' or t.tenant = $1) and ($2::text is null or t.capability = $2)
  and ($3::uuid is null or t.run_id = $3::uuid) and ($4::text is null or t.error ->> 'code' = $4)
  and ($5::bigint is null or t.dead_at <= $5::bigint) and ($6::bigint is null or t.dead_at >= $6::bigint)
  and ($7::uuid[] is null or t.id = any ($7::uuid[]))
  and ($8::bigint is null or (t.dead_at, t.id) < ($8::bigint, $9::uuid))
order by t.dead_at desc, t.id desc limit $10`,
};

/** Takes dead letters off the list and says who did. $1 ids, $2 now, $3 by whom. */
export const dropDead: Statement<{ id: string }> = {
  name: "drop_dead",
  text: `
with locked as (
  select id from task where id = any ($1::uuid[]) and dead_at is not null order by id for update
), dropped as (
  update task t set dead_at = null from locked l where t.id = l.id returning t.id, t.run_id, t.tenant, t.step
), told as (
  insert into event (at, type, task_id, run_id, tenant, data)
  select $2::bigint, 'task.dropped', id, run_id, tenant, json_build_object('step', step, 'by', $3::text)
  from dropped order by id
)
select id from dropped`,
};

/** Dead letters that are too old or too many are ordinary failed tasks again. $1 died before, $2 how many, $3 how many stay. */
export const forgetDead: Statement = {
  name: "forget_dead",
  text: `
with old as (
  select id from task where dead_at < $1 order by dead_at, id limit $2
), surplus as (
  select id from task where dead_at is not null order by dead_at desc, id desc offset $3 limit $2
), locked as (
  select id from task where id in (select id from old union select id from surplus) order by id for update skip locked
)
update task t set dead_at = null from locked l where t.id = l.id`,
};

/** A task with those above it, itself first. $1 task. */
export const readChain: Statement<{
  id: string;
  status: string;
  parent_id: string | null;
  error: TaskError | null;
}> = {
  name: "read_chain",
  text: `
with recursive up as (
  select id, status, parent_id, error, 1 as n from task where id = $1
  union all
  select t.id, t.status, t.parent_id, t.error, up.n + 1 from task t join up on t.id = up.parent_id
)
select id, status, parent_id, error from up order by n`,
};
