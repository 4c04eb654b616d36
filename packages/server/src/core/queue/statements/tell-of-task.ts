import type { Statement } from "../../../ports/database.ts";

/** Writes an event about a task under its live lease. $1 task, $2 token, $3 type, $4 now, $5 data. */
export const tellOfTask: Statement<{ id: string }> = {
  name: "tell_of_task",
  text: `
with quick as materialized (select set_config('synchronous_commit', 'off', true) as value
), live as (
  select t.id, t.run_id, t.agent_id, t.tenant from quick, task t
  where t.id = $1 and t.lease_token = $2 and t.status in ('in_progress', 'waiting', 'ready')
), told as (
  insert into event (at, type, task_id, run_id, agent_id, tenant, data)
  select $4::bigint, $3, id, run_id, agent_id, tenant, $5::json from live
)
select id from live`,
};
