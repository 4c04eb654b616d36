import type { Statement } from "../../../ports/database.ts";

export interface ReadyTask {
  id: string;
  route: string;
  tenant: string;
  priority: number;
  /** The agent that has the task's continuation, where it was waiting. */
  preferred_agent: string | null;
  virtual_time: number;
  /** The nearest budget that the task is under. */
  budget_id: string | null;
  /** Agents that it gets only when all others are out. */
  avoid: string[] | null;
}

const readyOn = (locking: string): string => `
select t.id, t.route, t.tenant, t.priority, t.virtual_time, case when t.resumed then t.agent_id end as preferred_agent,
  t.fell_back as avoid, t.budget_id
from json_to_recordset($1::json) as r(route text, tenants text[], most int)
cross join lateral (
  select id, route, tenant, priority, virtual_time, resumed, agent_id, fell_back, budget_id from task
  where route = r.route and status = 'ready' and not delayed and (r.tenants is null or tenant = any (r.tenants))
  order by priority desc, virtual_time, id
  limit r.most ${locking}
) t
order by t.priority desc, t.virtual_time, t.id
limit $2`;

/**
 * The tasks that shall run next on the routes that have free agents, best first: by priority, then the fair
 * order of tenants, then age. $1 routes: [{route, tenants (null: all), most}], $2 how many in all.
 */
export const peekReady: Statement<ReadyTask> = { name: "peek_ready", text: readyOn("") };

/** The same for nodes that share the queue: locks what it finds, and passes by what another node has locked. */
export const lockReady: Statement<ReadyTask> = {
  name: "lock_ready",
  text: readyOn("for update skip locked"),
};
