import type { EventRow } from "../../core/queue/statements/events.ts";
import type { Queryable, Statement } from "../../ports/database.ts";
import type { BudgetedTask } from "./budget-rules.ts";
import type { JudgedTask } from "./event-rules.ts";

const judgedTasks: Statement<JudgedTask & BudgetedTask & { attempt: number }> = {
  name: "judged_tasks",
  text: `
select t.id, t.parent_id, t.join_policy, t.status, t.attempt,
  array(select d.depends_on::text from dependency d where d.task_id = t.id and d.kind = 'need' order by 1) as needs,
  coalesce((select b.path::text[] from budget b where b.id = t.budget_id), '{}') as path
from task t order by t.id`,
};

const wholeLog: Statement<EventRow> = {
  name: "whole_log",
  text: `select seq, at, type, task_id, run_id, agent_id, tenant, data from event order by seq`,
};

/** Every task with what it needs, in the order of their making. */
export const readJudgedTasks = (database: Queryable) => database.query(judgedTasks);

/** Every event from the first. */
export const readWholeLog = (database: Queryable) => database.query(wholeLog);

const latest: Statement<{ seq: number }> = {
  name: "latest_in_log",
  text: "select coalesce(max(seq), 0)::int as seq from event",
};

/** The number of the newest event. */
export const readLatest = async (database: Queryable): Promise<number> =>
  (await database.query(latest))[0]?.seq ?? 0;
