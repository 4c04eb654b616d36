import type { Statement } from "../../../ports/database.ts";

/** Sub-tasks, not yet ended, of tasks that have. $1 parent ids. */
export const findChildren: Statement<{ id: string; parent_id: string }> = {
  name: "find_children",
  text: `
select id, parent_id from task
where parent_id = any ($1::uuid[]) and status not in ('completed', 'failed', 'cancelled')
order by id`,
};
