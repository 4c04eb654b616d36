import type { RetryBudget } from "@muster/sdk/protocol";
import type { Statement } from "../../../ports/database.ts";

export interface BudgetKey {
  tenant: string;
  capability: string;
}

export interface BudgetRow extends BudgetKey {
  saved: number;
  earned: number;
  at: number;
  due_at: number | null;
  /** As the operator set it; null: nothing. */
  budget: RetryBudget | null;
}

const sameKey = "b.tenant = x.tenant and b.capability = x.capability";
const settings = `
  left join retry_policy own on own.tenant = x.tenant and own.capability = x.capability
  left join retry_policy common on common.tenant = '*' and common.capability = x.capability`;
const keys = "json_to_recordset($1::json) as x(tenant text, capability text)";

/** Capabilities with retries whose time has come, or that waited for their budget. $1 now, $2 how many of each. */
export const dueBudgets: Statement<BudgetKey> = {
  name: "due_budgets",
  text: `
select distinct tenant, capability from (
  (select tenant, capability from task
    where status = 'ready' and delayed and ready_at <= $1 and retry_gated order by ready_at, id limit $2)
  union all
  (select tenant, capability from retry_budget where due_at <= $1 order by due_at, tenant, capability limit $2)) due
order by tenant, capability`,
};

/** Locks budgets in the order of their keys, and makes those that are new. $1 keys, $2 now, $3 retries per minute. */
export const lockBudgets: Statement<BudgetRow> = {
  name: "lock_budgets",
  text: `
with wanted as materialized (
  select x.tenant, x.capability, coalesce(own.budget, common.budget) as budget from ${keys} ${settings}
), locked as (
  insert into retry_budget as b (tenant, capability, saved, earned, at)
  select tenant, capability, coalesce((budget ->> 'perMinute')::float8, $3::float8), 0, $2::bigint
  from wanted order by tenant, capability
  on conflict (tenant, capability) do update set at = b.at
  returning b.*
)
select l.tenant, l.capability, l.saved, l.earned, l.at, l.due_at, w.budget
from locked l join wanted w on w.tenant = l.tenant and w.capability = l.capability`,
};

/** The same for those that are there; a capability that never retried has none. $1 keys. */
export const lockKnownBudgets: Statement<BudgetRow> = {
  name: "lock_known_budgets",
  text: `
select b.tenant, b.capability, b.saved, b.earned, b.at, b.due_at, coalesce(own.budget, common.budget) as budget
from ${keys} join retry_budget b on ${sameKey} ${settings}
order by b.tenant, b.capability for update of b`,
};

/**
 * Lets retries into the ready order, those that waited first. The caller holds the budgets' locks, and nobody waits
 * here for a task that somebody else holds. $1 keys with how many of each: [{tenant, capability, most}], $2 now.
 */
export const passRetries: Statement<{ id: string; route: string } & BudgetKey> = {
  name: "pass_retries",
  text: `
with chosen as materialized (
  select t.id from json_to_recordset($1::json) as x(tenant text, capability text, most int)
  cross join lateral (
    select id from task
    where tenant = x.tenant and capability = x.capability and retry_gated and status = 'ready' and delayed
      and coalesce(ready_at <= $2::bigint, true)
    order by ready_at nulls first, id limit x.most for update skip locked) t
)
update task t set delayed = false, retry_gated = null, ready_at = coalesce(t.ready_at, $2::bigint)
from chosen c where t.id = c.id
returning t.id, t.route, t.tenant, t.capability`,
};

/**
 * Takes their time from retries that are due and were not let through: from now on they wait for the budget alone.
 * Says for each key whether any waits. $1 keys, $2 now, $3 how many of each.
 */
export const holdRetries: Statement<{ waiting: boolean } & BudgetKey> = {
  name: "hold_retries",
  text: `
with wanted as materialized (
  select * from ${keys}
), late as materialized (
  select t.id from wanted x cross join lateral (
    select id from task
    where tenant = x.tenant and capability = x.capability and retry_gated and status = 'ready' and delayed
      and ready_at <= $2::bigint
    order by ready_at, id limit $3 for update skip locked) t
), held as (
  update task t set ready_at = null from late l where t.id = l.id returning t.tenant, t.capability
)
select x.tenant, x.capability,
  exists (select from held b where ${sameKey})
  or exists (select from task b where ${sameKey} and b.retry_gated and b.ready_at is null and b.status = 'ready') as waiting
from wanted x`,
};

/**
 * Tells of budgets that have run dry, so that retries wait for them, and of those for which nothing waits any more. The
 * caller holds the budgets' locks. $1 budgets: [{tenant, capability, saved, earned, at, due_at}], $2 now.
 */
export const writeBudgets: Statement = {
  name: "write_budgets",
  text: `
with wanted as materialized (
  select * from json_to_recordset($1::json)
    as x(tenant text, capability text, saved float8, earned float8, at bigint, due_at bigint)
), turned as materialized (
  select x.tenant, x.capability, x.due_at from wanted x join retry_budget b on ${sameKey}
  where (b.due_at is null) <> (x.due_at is null)
), told as (
  insert into event (at, type, tenant, data)
  select $2::bigint, case when due_at is null then 'retry_budget.recovered' else 'retry_budget.exhausted' end, tenant,
    json_strip_nulls(json_build_object('capability', capability, 'nextAt', due_at)) from turned order by tenant, capability
)
update retry_budget b set saved = x.saved, earned = x.earned, at = x.at, due_at = x.due_at
from wanted x where ${sameKey}`,
};

/** Of the budget of one capability, and how many retries wait for it. $1 tenant, $2 capability. */
export const readBudget: Statement<BudgetRow & { waiting: number }> = {
  name: "read_budget",
  text: `
select b.tenant, b.capability, b.saved, b.earned, b.at, b.due_at, coalesce(own.budget, common.budget) as budget,
  (select count(*)::int from task t where t.tenant = b.tenant and t.capability = b.capability and t.retry_gated
    and t.ready_at is null and t.status = 'ready') as waiting
from retry_budget b
left join retry_policy own on own.tenant = b.tenant and own.capability = b.capability
left join retry_policy common on common.tenant = '*' and common.capability = b.capability
where b.tenant = $1 and b.capability = $2`,
};

/** Budgets of capabilities that have not retried for long, of which nothing is missing by now. $1 before, $2 how many. */
export const pruneBudgets: Statement<{ capability: string }> = {
  name: "prune_budgets",
  text: `
delete from retry_budget where (tenant, capability) in (
  select tenant, capability from retry_budget where at < $1 and due_at is null limit $2)
returning capability`,
};
