import type { Statement } from "../../../ports/database.ts";
import { edgesOf } from "./deadlocks.ts";

/** A task in a slot that stands in line for a lock, and what the lock's holder needs to go on: a slot for `needs`. */
export interface StuckSlot {
  agent_id: string;
  task_id: string;
  lock_name: string;
  holder_id: string;
  /** The holder, or what it waits for: it is ready and nobody has it. */
  needs: string;
  tenant: string;
  route: string;
}

/**
 * What stands in line for locks in the slots of these agents, where the holder of the lock waits, itself or through others,
 * for somebody who has a slot. $1 agents, $2 how many, $3 now.
 */
export const stuckSlots: Statement<StuckSlot> = {
  name: "stuck_slots",
  text: `
with recursive in_line as materialized (
  select t.agent_id, v.task_id, v.name, l.task_id as holder_id
  from lock_waiter v join lock l on l.tenant = v.tenant and l.name = v.name
  join task t on t.id = v.task_id and t.attempt = v.attempt and t.status = 'in_progress'
  where t.agent_id = any ($1::text[]) and v.until > $3::bigint and l.expires_at > $3::bigint and l.task_id is not null
  order by v.task_id limit $2
), reach(holder_id, id) as (
  select distinct holder_id, holder_id from in_line
  union
  select r.holder_id, e.waits_for from reach r cross join lateral ${edgesOf("r.id")} e
)
select i.agent_id, i.task_id, i.name as lock_name, i.holder_id, n.id as needs, n.tenant, n.route
from in_line i join reach r on r.holder_id = i.holder_id
join task n on n.id = r.id and n.status = 'ready' and not n.delayed
order by i.agent_id, i.task_id, i.name, n.id limit $2`,
};
