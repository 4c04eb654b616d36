import type { Statement } from "../../../ports/database.ts";

/** Counts ended tasks into the steps of their runs. $1 counts: [{run_id, step, completed, failed}]. */
export const countSteps: Statement<{ run_id: string; over: boolean }> = {
  name: "count_steps",
  text: `
update run_step s set completed = s.completed + c.completed, failed = s.failed + c.failed
from json_to_recordset($1::json) as c(run_id uuid, step text, completed int, failed int)
where s.run_id = c.run_id and s.step = c.step
returning s.run_id, s.completed + s.failed >= s.total as over`,
};
