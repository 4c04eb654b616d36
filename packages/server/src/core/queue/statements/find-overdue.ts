import type { Statement } from "../../../ports/database.ts";

export interface OverdueTask {
  id: string;
  token: string;
  agent_id: string;
  reason: "deadline" | "timeout" | "lease";
}

/** Leased or waiting tasks whose time is up, oldest first. $1 now, $2 how many. */
export const findOverdue: Statement<OverdueTask> = {
  name: "find_overdue",
  text: `
select id, lease_token as token, agent_id,
  case when deadline_at <= $1 then 'deadline' when timeout_at <= $1 then 'timeout' else 'lease' end as reason
from task where lease_until <= $1 and lease_token is not null
order by lease_until, id limit $2`,
};

/** Tasks whose deadline passed before anybody began. $1 now, $2 how many. */
export const findExpired: Statement<{ id: string }> = {
  name: "find_expired",
  text: `
select id from task
where deadline_at <= $1 and status in ('blocked', 'ready') order by deadline_at, id limit $2`,
};

/** Lets delayed tasks whose time has come into the ready order, but for those that a budget lets through. $1 now, $2 how many. */
export const promoteDelayed: Statement<{ id: string; route: string }> = {
  name: "promote_delayed",
  text: `
with due as (
  select id from task where status = 'ready' and delayed and ready_at <= $1 and retry_gated is null
  order by ready_at, id limit $2 for update skip locked
)
update task t set delayed = false from due where t.id = due.id returning t.id, t.route`,
};

/** The next moment at which upkeep has something to do. */
export const nextDue: Statement<{ at: number | null }> = {
  name: "next_due",
  text: `
select least(
  (select min(ready_at) from task where status = 'ready' and delayed),
  (select min(due_at) from retry_budget where due_at is not null),
  (select min(lease_until) from task where lease_until is not null),
  (select min(deadline_at) from task where deadline_at is not null and status in ('blocked', 'ready')),
  (select min(ends_at) from budget where ends_at is not null),
  (select min(next_at) from schedule where next_at is not null),
  (select min(retry_at) from breaker where state = 'open'),
  (select min(due_at) from rollout where due_at is not null),
  (select min(expires_at) from lock where token is not null),
  (select min(until) from lock_waiter),
  (select min(due_at) from inbox_item where due_at is not null)) as at`,
};

/** Leases held by agents that are gone. $1 agent ids, $2 how many. */
export const findOrphans: Statement<{ id: string; token: string; agent_id: string }> = {
  name: "find_orphans",
  text: `
select id, lease_token as token, agent_id from task
where lease_until is not null and status = 'in_progress' and agent_id = any ($1::text[])
order by lease_until, id limit $2`,
};

/** Every slot that the database knows to be taken, from the index of leases. $1 how many at most. */
export const listHeld: Statement<{ id: string; agent_id: string }> = {
  name: "list_held",
  text: `
with held as materialized (
  select id, agent_id from task where lease_until is not null and status = 'in_progress'
)
select id, agent_id from held order by id limit $1`,
};

/**
 * The slots of one agent that the database knows to be taken. Sorted apart from the search, since the planner
 * would rather walk all tasks in their order than sort. $1 agent, $2 how many at most.
 */
export const listHeldBy: Statement<{ id: string }> = {
  name: "list_held_by",
  text: `
with held as materialized (
  select id from task where lease_until is not null and status = 'in_progress' and agent_id = $1
)
select id from held order by id limit $2`,
};

/** Which of these tasks are leased now, and to whom. $1 ids. */
export const whoHolds: Statement<{ id: string; agent_id: string }> = {
  name: "who_holds",
  text: `select id, agent_id from task where id = any ($1::uuid[]) and status = 'in_progress' order by id`,
};

/** The routes on which anything is ready: hops over the index instead of reading it. $1 how many at most. */
export const readyRoutes: Statement<{ route: string }> = {
  name: "ready_routes",
  text: `
with recursive hop as (
  (select route, 1 as n from task where status = 'ready' and not delayed order by route limit 1)
  union all
  select (select t.route from task t where t.status = 'ready' and not t.delayed and t.route > hop.route
    order by t.route limit 1), hop.n + 1
  from hop where hop.route is not null and hop.n < $1
)
select route from hop where route is not null`,
};
