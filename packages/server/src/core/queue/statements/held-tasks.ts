import type { Statement } from "../../../ports/database.ts";

/**
 * Takes ready tasks out of the ready order because their budget has no room for them; what another transaction has in
 * its hands is left alone. The caller has locked the budgets. $1 tasks, $2 budgets of them.
 */
export const holdTasks: Statement<{ id: string }> = {
  name: "hold_back_tasks",
  text: `
with free as materialized (
  select id from task where id = any ($1::uuid[]) and status = 'ready' and not delayed order by id for update skip locked
), noted as (
  update budget set holding = true
  where id in (select root_id from budget where id = any ($2::uuid[])) and not holding and exists (select from free)
)
update task t set delayed = true, ready_at = null from free where t.id = free.id returning t.id`,
};

/** Routes on which one budget holds tasks back, looked at in one go. */
const mostRoutes = 500;

/**
 * Lets held tasks into the ready order again, the best of each route first. The caller has locked the budgets.
 * $1 budgets: [{id, most, begun_only}], most for each route, $2 now.
 */
export const releaseHeld: Statement<{ id: string; route: string }> = {
  name: "release_held",
  text: `
with recursive wanted as materialized (
  select * from json_to_recordset($1::json) as x(id uuid, most int, begun_only boolean)
), hop as (
  select w.id as budget_id, w.most, w.begun_only, (select t.route from task t where t.budget_id = w.id and t.status = 'ready' and t.delayed
    and t.ready_at is null and (t.resumed or not w.begun_only) order by t.route limit 1) as route, 1 as n
  from wanted w
  union all
  select h.budget_id, h.most, h.begun_only, (select t.route from task t where t.budget_id = h.budget_id and t.status = 'ready' and t.delayed
    and t.ready_at is null and t.route > h.route and (t.resumed or not h.begun_only) order by t.route limit 1), h.n + 1
  from hop h where h.route is not null and h.n < ${mostRoutes}
), chosen as materialized (
  select c.id from hop h cross join lateral (
    select t.id from task t
    where t.budget_id = h.budget_id and t.status = 'ready' and t.delayed and t.ready_at is null and t.route = h.route
      and (t.resumed or not h.begun_only)
    order by t.priority desc, t.virtual_time, t.id limit h.most for update skip locked
  ) c
  where h.route is not null
)
update task t set delayed = false, ready_at = $2::bigint from chosen c where t.id = c.id returning t.id, t.route`,
};

/** Nothing is held back in these trees any more. $1 roots. */
export const forgetHeld: Statement = {
  name: "forget_held",
  text: `update budget set holding = false where id = any ($1::uuid[]) and holding`,
};

/** Tasks of a run that have not begun, or all that have not ended. $1 run, $2 all. */
export const restOfRun: Statement<{ id: string }> = {
  name: "rest_of_run",
  text: `
select id from task
where run_id = $1 and status not in ('completed', 'failed', 'cancelled')
  and ($2 or status = 'blocked' or (status = 'ready' and not resumed))
order by id`,
};

/** The same of what is below a task, and the task itself. $1 task, $2 all. */
export const restOfTask: Statement<{ id: string }> = {
  name: "rest_of_task",
  text: `
with recursive below as (
  select id, status, resumed, has_children from task where id = $1
  union all
  select t.id, t.status, t.resumed, t.has_children from below b join task t on t.parent_id = b.id where b.has_children
)
select id from below
where status not in ('completed', 'failed', 'cancelled')
  and ($2 or status = 'blocked' or (status = 'ready' and not resumed))
order by id`,
};
