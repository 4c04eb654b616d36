import type { Statement } from "../../../ports/database.ts";

/** How many ready tasks of the same route come before a task, counted up to a thousand. $1 route, $2 priority, $3 id. */
export const aheadOf: Statement<{ ahead: number }> = {
  name: "ahead_of",
  text: `
select count(*)::int as ahead from (
  select 1 from task t, (select virtual_time from task where id = $3) me
  where t.route = $1 and t.status = 'ready' and not t.delayed
    and (t.priority > $2 or (t.priority = $2 and (t.virtual_time, t.id) < (me.virtual_time, $3::uuid)))
  limit 1000
) q`,
};

export interface WaitingEdge {
  id: string;
  tenant: string;
  waits_for: string;
  /** Null: the task that it waits for is gone. */
  status: string | null;
  kind: string;
}

/**
 * Who waits for whom now: dependencies and awaited sub-tasks, and every sub-task's parent, which can't end
 * before it. $1 how many edges.
 */
export const waitingEdges: Statement<WaitingEdge> = {
  name: "waiting_edges",
  text: `
select t.id, t.tenant, d.depends_on as waits_for, o.status, d.kind
from task t join dependency d on d.task_id = t.id left join task o on o.id = d.depends_on
where (t.status = 'blocked' and d.kind = 'need') or (t.status = 'waiting' and d.kind = 'wait')
order by t.id, d.depends_on limit $1`,
};

/** Ready tasks by route, without those whose budget is reached. $1 tenant (*: all). */
export const readyByRoute: Statement<{ route: string; tenant: string; ids: string[]; total: number }> = {
  name: "ready_by_route",
  text: `
select route, tenant, (array_agg(id::text order by id))[1:20] as ids, count(*)::int as total
from task where status = 'ready' and not delayed and ($1 = '*' or tenant = $1)
  and (budget_id is null or not exists (select from budget b join budget a on a.id = any (b.path)
    where b.id = task.budget_id and a.reached is not null))
group by route, tenant order by route, tenant`,
};
