import type { Statement } from "../../../ports/database.ts";

/**
 * What is still open below tasks that have ended: their sub-tasks, and also those of a sub-task that has ended
 * itself, since a task below it may have been retried by hand. $1 parent ids.
 */
export const findChildren: Statement<{ id: string; parent_id: string }> = {
  name: "find_children",
  text: `
with recursive below as (
  select id, parent_id, status, has_children from task where parent_id = any ($1::uuid[])
  union all
  select t.id, t.parent_id, t.status, t.has_children
  from below b join task t on t.parent_id = b.id
  where b.has_children and b.status in ('completed', 'failed', 'cancelled')
)
select id, parent_id from below
where status not in ('completed', 'failed', 'cancelled')
order by id`,
};
