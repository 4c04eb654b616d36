import type { Statement } from "../../../ports/database.ts";

/** Tasks in each state that says how busy a store is; each from an index of its own. $1 how many are counted of each. */
export const readQueueDepth: Statement<{
  ready: number;
  delayed: number;
  held: number;
  in_progress: number;
}> = {
  name: "read_queue_depth",
  text: `
select
  (select count(*)::int from (select from task where status = 'ready' and not delayed limit $1) t) as ready,
  (select count(*)::int from (select from task where status = 'ready' and delayed limit $1) t) as delayed,
  (select count(*)::int from (select from task where retry_gated and ready_at is null and status = 'ready' limit $1) t) as held,
  (select count(*)::int from (select from task where lease_until is not null and status = 'in_progress' limit $1) t) as in_progress`,
};
