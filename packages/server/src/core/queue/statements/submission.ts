import type { Statement } from "../../../ports/database.ts";

/** Takes idempotency keys; those it returns are new. $1 keys: [{tenant, key, target_id}], $2 now. */
export const takeKeys: Statement<{ target_id: string }> = {
  name: "take_keys",
  text: `
insert into idempotency_key (tenant, key, target_id, created_at)
select x.tenant, x.key, x.target_id, $2::bigint
from json_to_recordset($1::json) as x(tenant text, key text, target_id uuid)
order by x.tenant, x.key
on conflict (tenant, key) do nothing
returning target_id`,
};

/** What known idempotency keys stand for. $1 tenant, $2 keys. */
export const readKeys: Statement<{ key: string; target_id: string; status: string | null }> = {
  name: "read_keys",
  text: `
select k.key, k.target_id, t.status
from idempotency_key k left join task t on t.id = k.target_id
where k.tenant = $1 and k.key = any ($2::text[])`,
};

/**
 * Marks tasks as having dependents that came later, which sends their settling down the careful path, and
 * locks them against it until this transaction ends. $1 ids.
 */
export const markLateDependents: Statement<{ id: string }> = {
  name: "mark_late_dependents",
  text: `
with locked as (
  select id from task where id = any ($1::uuid[]) order by id for update
)
update task t set late_dependents = true from locked
where t.id = locked.id and t.status not in ('completed', 'failed', 'cancelled') and not t.late_dependents
returning t.id`,
};

/** $1 ids. */
export const readStatuses: Statement<{
  id: string;
  status: string;
  tenant: string;
  parent_id: string | null;
}> = {
  name: "read_statuses",
  text: `select id, status, tenant, parent_id from task where id = any ($1::uuid[])`,
};

/** A task and everything above it. $1 id. */
export const readAncestors: Statement<{ id: string }> = {
  name: "read_ancestors",
  text: `
with recursive up as (
  select id, parent_id from task where id = $1
  union all
  select t.id, t.parent_id from task t join up on t.id = up.parent_id
)
select id from up`,
};

/** Adds dependencies on tasks that were there before. $1 edges: [{task_id, depends_on}], $2 kind. */
export const linkTasks: Statement = {
  name: "link_tasks",
  text: `
insert into dependency (task_id, depends_on, kind)
select x.task_id, x.depends_on, $2 from json_to_recordset($1::json) as x(task_id uuid, depends_on uuid)
on conflict do nothing`,
};
