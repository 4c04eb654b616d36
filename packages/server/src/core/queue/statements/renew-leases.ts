import type { Statement } from "../../../ports/database.ts";

/**
 * Prolongs leases, never past a timeout or a deadline, and says which are live. A lease that is not in the
 * answer is lost. Commits without waiting for the disk: a forgotten renewal is renewed by the next heartbeat.
 * $1 task ids, $2 tokens, $3 now, $4 lease in ms.
 */
export const renewLeases: Statement<{ id: string; lease_token: string }> = {
  name: "renew_leases",
  text: `
with quick as materialized (select set_config('synchronous_commit', 'off', true) as value
), held as materialized (
  select t.id, t.status, t.lease_token from quick, unnest($1::uuid[], $2::uuid[]) as i(id, token)
  join task t on t.id = i.id and t.lease_token = i.token
  where t.status in ('in_progress', 'waiting', 'ready')
  order by t.id for update of t
), renewed as (
  update task t set lease_until = least($3::bigint + $4::bigint, t.timeout_at, t.deadline_at)
  from held h
  where t.id = h.id and t.status = 'in_progress' and t.lease_until < $3::bigint + $4::bigint
)
select id, lease_token from held`,
};
