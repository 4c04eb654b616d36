import type { BudgetKind, OnReached } from "@muster/sdk/protocol";
import type { Statement } from "../../../ports/database.ts";

export interface BudgetRow {
  id: string;
  root_id: string;
  path: string[];
  tenant: string;
  run_id: string | null;
  task_id: string | null;
  base_depth: number;
  on_reached: OnReached;
  money_limit: number | null;
  token_limit: number | null;
  time_ms: number | null;
  task_limit: number | null;
  depth_limit: number | null;
  concurrency_limit: number | null;
  money_spent: number;
  token_spent: number;
  money_reserved: number;
  token_reserved: number;
  tasks_made: number;
  ends_at: number | null;
  time_left_ms: number | null;
  reached: BudgetKind | null;
  reached_at: number | null;
  due: boolean;
}

const columns = `b.id, b.root_id, b.path::text[] as path, b.tenant, b.run_id, b.task_id, b.base_depth, b.on_reached, b.money_limit, b.token_limit,
  b.time_ms, b.task_limit, b.depth_limit, b.concurrency_limit, b.money_spent, b.token_spent, b.money_reserved, b.token_reserved,
  b.tasks_made, b.ends_at, b.time_left_ms, b.reached, b.reached_at, b.due`;

/**
 * Locks whole trees of budgets, by their roots and in the order of ids. Who holds a run's lock may ask for it; who
 * holds a task's may not. $1 budgets anywhere in the trees.
 */
export const lockBudgets: Statement<{ id: string }> = {
  name: "lock_budget_trees",
  text: `
select id from budget where id in (select root_id from budget where id = any ($1::uuid[])) order by id for update`,
};

/** Budgets and all above them. Under their lock, as a statement of its own. $1 budgets. */
export const readPaths: Statement<BudgetRow> = {
  name: "read_budget_paths",
  text: `
select ${columns} from budget b
where b.id in (select unnest(path) from budget where id = any ($1::uuid[])) order by b.id`,
};

/** $1 budgets. */
export const readBudgets: Statement<BudgetRow> = {
  name: "read_budgets",
  text: `select ${columns} from budget b where b.id = any ($1::uuid[]) order by b.id`,
};

/** Whole trees: with how much each has in progress, where that is limited, and whether it holds tasks back. $1 roots. */
export const readTrees: Statement<BudgetRow & { active: number | null; holds: boolean }> = {
  name: "read_budget_trees",
  text: `
select ${columns},
  case when b.concurrency_limit is not null then (
    select count(*)::int from budget x join task t on t.budget_id = x.id
    where x.root_id = b.root_id and x.path @> array[b.id] and t.status = 'in_progress') end as active,
  exists (select from task t where t.budget_id = b.id and t.status = 'ready' and t.delayed and t.ready_at is null) as holds
from budget b where b.root_id = any ($1::uuid[]) order by b.id`,
};

/** How many tasks are in progress under budgets that limit it. $1 budgets. */
export const countActive: Statement<{ id: string; active: number }> = {
  name: "count_active",
  text: `
select b.id, (
  select count(*)::int from budget x join task t on t.budget_id = x.id
  where x.root_id = b.root_id and x.path @> array[b.id] and t.status = 'in_progress') as active
from budget b where b.id = any ($1::uuid[])`,
};

/** $1 budgets as rows. A budget under another has the path of that one before its own id. $2 now. */
export const insertBudgets: Statement = {
  name: "insert_budgets",
  text: `
insert into budget (id, root_id, path, tenant, run_id, task_id, base_depth, on_reached, money_limit, token_limit, time_ms,
  task_limit, depth_limit, concurrency_limit, tasks_made, ends_at, created_at)
select x.id, coalesce(p.root_id, x.id), coalesce(p.path, '{}') || x.id, x.tenant, x.run_id, x.task_id, x.base_depth,
  x.on_reached, x.money_limit, x.token_limit, x.time_ms, x.task_limit, x.depth_limit, x.concurrency_limit, x.tasks_made,
  $2::bigint + x.time_ms, $2::bigint
from json_to_recordset($1::json) as x(id uuid, parent_id uuid, tenant text, run_id uuid, task_id uuid, base_depth smallint,
  on_reached text, money_limit bigint, token_limit bigint, time_ms bigint, task_limit int, depth_limit smallint,
  concurrency_limit int, tasks_made int)
left join budget p on p.id = x.parent_id`,
};

/** $1 roots. */
export const countTree: Statement<{ root_id: string; n: number }> = {
  name: "count_budget_tree",
  text: `select root_id, count(*)::int as n from budget where root_id = any ($1::uuid[]) group by root_id`,
};

/** Counts tasks that are about to be made. $1 budgets, $2 how many. */
export const countTasksMade: Statement = {
  name: "count_tasks_made",
  text: `update budget set tasks_made = tasks_made + $2::int where id = any ($1::uuid[])`,
};

/** Writes what accounts hold now, under their lock. $1 accounts: [{id, money_spent, …}]. */
export const writeAccounts: Statement = {
  name: "write_accounts",
  text: `
update budget b set money_spent = x.money_spent, token_spent = x.token_spent, money_reserved = x.money_reserved,
  token_reserved = x.token_reserved
from json_to_recordset($1::json) as x(id uuid, money_spent bigint, token_spent bigint, money_reserved bigint,
  token_reserved bigint)
where b.id = x.id`,
};

/** Marks budgets as reached, once each, and tells of it. The time of those below stands still. $1 marks: [{id, kind}], $2 now. */
export const markReached: Statement<{ id: string; run_id: string | null; task_id: string | null }> = {
  name: "mark_reached",
  text: `
with reached as (
  update budget b set reached = x.kind, reached_at = $2::bigint, due = true,
    time_left_ms = case when b.ends_at is null then b.time_left_ms else greatest(b.ends_at - $2::bigint, 0) end,
    ends_at = null
  from json_to_recordset($1::json) as x(id uuid, kind text)
  where b.id = x.id and b.reached is null
  returning b.*
), frozen as (
  update budget b set time_left_ms = greatest(b.ends_at - $2::bigint, 0), ends_at = null
  from reached r
  where b.root_id = r.root_id and b.path @> array[r.id] and b.ends_at is not null
    and not exists (select from reached o where o.id = b.id)
), told as (
  insert into event (at, type, task_id, run_id, tenant, data)
  select $2::bigint, 'budget.reached', task_id, run_id, tenant, json_build_object('budget', id, 'kind', reached,
    'limit', case reached when 'money' then money_limit when 'tokens' then token_limit when 'time' then time_ms else task_limit end,
    'spent', json_build_object('moneyMicros', money_spent, 'tokens', token_spent, 'tasks', tasks_made),
    'onReached', on_reached)
  from reached order by id
)
select id, run_id, task_id from reached`,
};

/** Reached budgets have to be looked at again. $1 budgets. */
export const remindBudgets: Statement = {
  name: "remind_budgets",
  text: `update budget set due = true where id = any ($1::uuid[]) and reached is not null and not due`,
};

/** What follows from reaching them was done. $1 budgets. */
export const settleBudgets: Statement = {
  name: "settle_budgets",
  text: `update budget set due = false where id = any ($1::uuid[]) and due`,
};

/** Budgets whose time is over. `over`: what they cover has ended before. $1 now, $2 how many. */
export const findTimedOut: Statement<{ id: string; over: boolean }> = {
  name: "find_timed_out_budgets",
  text: `
select b.id, case when b.task_id is null
  then not exists (select from run r where r.id = b.run_id and r.ended_at is null)
  else not exists (select from task t where t.id = b.task_id and t.ended_at is null) end as over
from budget b where b.ends_at <= $1 order by b.ends_at, b.id limit $2`,
};

/** What these budgets cover has ended: their time does not matter any more. $1 budgets, $2 now. */
export const forgetTime: Statement = {
  name: "forget_budget_time",
  text: `update budget set ends_at = null where id = any ($1::uuid[]) and ends_at <= $2`,
};

/** Roots of those trees that hold tasks back. $1 budgets anywhere in the trees. */
export const findHolding: Statement<{ id: string }> = {
  name: "find_holding_budgets",
  text: `
select id from budget where id in (select root_id from budget where id = any ($1::uuid[])) and holding order by id`,
};

/** Budgets that were reached with nothing done about it, and roots of trees that hold tasks back. $1 how many. */
export const findUnfinished: Statement<{
  id: string;
  run_id: string | null;
  task_id: string | null;
  due: boolean;
}> = {
  name: "find_unfinished_budgets",
  text: `
(select id, run_id, task_id, due from budget where due order by id limit $1)
union all
(select id, run_id, task_id, false from budget where holding order by id limit $1)`,
};

/** Which of these budgets stand still, themselves or because of one above. $1 budgets. */
export const findPaused: Statement<{ id: string }> = {
  name: "find_paused_budgets",
  text: `
select b.id from budget b where b.id = any ($1::uuid[]) and exists (
  select from budget a where a.id = any (b.path) and a.reached is not null and a.on_reached = 'pause')`,
};

/**
 * Remembers which attempts are told that a pausing budget is reached, since it may be raised before they say that they
 * stopped. Under the lock of the budgets. $1 tasks, $2 their leases.
 */
export const noteTold: Statement = {
  name: "note_told_of_pause",
  text: `
with live as materialized (
  select t.id, t.lease_token from unnest($1::uuid[], $2::uuid[]) as i(id, token)
  join task t on t.id = i.id and t.lease_token = i.token
  where t.paused_lease is distinct from i.token order by t.id for no key update of t
)
update task t set paused_lease = l.lease_token from live l where t.id = l.id`,
};

/** Raises limits and lets a reached budget go on. $1 budget, $2 … $7 more money, tokens, time, tasks, depth, concurrency. */
export const raiseBudget: Statement<BudgetRow> = {
  name: "raise_budget",
  text: `
update budget b set money_limit = money_limit + $2::bigint, token_limit = token_limit + $3::bigint, time_ms = time_ms + $4::bigint,
  task_limit = task_limit + $5::int, depth_limit = depth_limit + $6::int, concurrency_limit = concurrency_limit + $7::int,
  ends_at = ends_at + $4::bigint, time_left_ms = time_left_ms + $4::bigint, reached = null, reached_at = null, due = false
where id = $1 returning ${columns}`,
};

/** Lets the time of a budget and those below go on, unless one above stands still. $1 budget, $2 now. */
export const thawBudgets: Statement<{ ends_at: number }> = {
  name: "thaw_budgets",
  text: `
update budget b set ends_at = $2::bigint + b.time_left_ms, time_left_ms = null
from budget raised
where raised.id = $1 and b.root_id = raised.root_id and b.path @> array[raised.id] and b.ends_at is null
  and b.time_left_ms is not null
  and not exists (select from budget a where a.root_id = b.root_id and a.id = any (b.path) and a.reached is not null)
returning b.ends_at`,
};

/** Removes trees whose run or task is gone. $1 created before, $2 how many. */
export const pruneSpending: Statement<{ id: string }> = {
  name: "prune_spending",
  text: `
delete from budget where root_id in (
  select o.id from (select id, run_id, task_id, created_at from budget where id = root_id order by id limit $2 * 2) o
  where o.created_at < $1 and not exists (select from run r where r.id = o.run_id)
    and not exists (select from task t where t.id = o.task_id)
  order by o.id limit $2)
returning id`,
};
