import type { Statement } from "../../../ports/database.ts";
import type { ClaimedTask } from "./claim.ts";

export interface CompletionRow {
  /**
   * `ended`: accepted. `handed`: a dependent, leased to the agent whose result made it ready. `ready`: one that may
   * run now. `later`: one whose own time has not come. `step`: a step of a run whose tasks have all ended.
   */
  kind: "ended" | "handed" | "ready" | "later" | "step";
  id: string;
  route: string | null;
  agent_id: string | null;
  /** Of an accepted result: the lease it came under. */
  token: string | null;
  /** Of a dependent that may run now: what dispatch needs to know to hand it out without looking again. With an
   * accepted result, tenant and route are its task's. */
  tenant: string | null;
  priority: number | null;
  virtual_time: number | null;
  ready_at: number | null;
  /** Of an accepted result, and of a dependent that may run now: the nearest budget it is under. */
  budget_id: string | null;
  /** Of a dependent that was handed on. */
  handed: HandedTask | null;
  /** Of an accepted result: its attempt took locks, which others may wait for. */
  has_locks: boolean | null;
}

/** A task that was leased in place of another one, to the same agent. */
export interface HandedTask extends ClaimedTask {
  /** The task whose slot it takes. */
  instead_of: string;
}

const accept = `
with incoming as (
  select * from rows from (json_to_recordset($1::json) as (id uuid, token uuid, next uuid, output json))
    with ordinality as x(id, token, next, output, ord) where ord between 1 and 1000
), ended as (
  update task t set status = 'completed', output = i.output, error = null, ended_at = $2::bigint,
    lease_token = null, lease_until = null
  from incoming i
  where t.id = i.id and t.lease_token = i.token and t.status = 'in_progress'
    and not t.has_children and not t.late_dependents
  returning t.id, t.tenant, t.run_id, t.step, t.route, t.agent_id, t.agent_name, t.attempt, t.started_at, t.has_locks,
    i.token, i.next, t.budget_id
), clock as materialized (
  select priority, virtual_time from fair_share where tenant = ''
`;

/** Counts what each dependent has met, and gives the slots of each route to as many dependents, the best first. */
const chooseAmongMany = `), met as (
  select d.task_id, count(*)::int as n
  from ended e join dependency d on d.depends_on = e.id and d.kind = 'need'
  group by d.task_id
), idle_route as (
  select route from (select distinct route from ended where next is not null) e
  where exists (select from met)
    and (select r.id from task r where r.route = e.route and r.status = 'ready' and not r.delayed limit 1) is null
), seat as materialized (
  select row_number() over (partition by e.route, e.tenant order by e.id) as place, e.*
  from idle_route i join ended e on e.route = i.route
  where e.next is not null
), candidate as (
  select row_number() over (partition by t.route, t.tenant order by t.priority desc, t.virtual_time, t.id) as place,
    t.id, t.route, t.tenant, m.n
  from met m join task t on t.id = m.task_id
  where exists (select from seat) and t.status = 'blocked' and t.budget_id is null and (t.join_policy = 'any' or t.pending <= m.n)
    and coalesce(t.ready_at <= $2::bigint, true)
), taker as materialized (
  select c.id, c.n, s.next, s.agent_id, s.agent_name, s.id as instead_of
  from candidate c join seat s on s.place = c.place and s.route = c.route and s.tenant = c.tenant
`;

/** The same for the dependents of one result, which has one slot to give. */
const chooseForOne = `), met as (
  select d.task_id, 1 as n from ended e join dependency d on d.depends_on = e.id and d.kind = 'need'
), taker as materialized (
  select t.id, m.n, e.next, e.agent_id, e.agent_name, e.id as instead_of
  from ended e cross join met m join task t on t.id = m.task_id and t.route = e.route and t.tenant = e.tenant
  where e.next is not null and t.status = 'blocked' and t.budget_id is null and (t.join_policy = 'any' or t.pending <= m.n)
    and coalesce(t.ready_at <= $2::bigint, true)
    and (select r.id from task r where r.route = e.route and r.status = 'ready' and not r.delayed limit 1) is null
  order by t.priority desc, t.virtual_time, t.id limit 1
`;

/** What differs between many results and one, of which nothing needs to be counted or grouped. */
interface Amount {
  /** Dependents `m` that take nobody's slot. */
  others: string;
  /** The latest virtual time among the dependents `h` of a priority that were handed on. */
  latest: string;
  perPriority: string;
  /** How many results each step of a run has got. */
  stepCounts: string;
}

const many: Amount = {
  others: "m.task_id not in (select id from taker)",
  latest: "max(h.virtual_time)",
  perPriority: "group by h.priority order by h.priority",
  stepCounts:
    "select run_id, step, count(*)::int as n from ended where step is not null group by run_id, step",
};

const one: Amount = {
  others: "m.task_id is distinct from (select id from taker)",
  latest: "h.virtual_time",
  perPriority: "",
  stepCounts: "select run_id, step, 1 as n from ended where step is not null",
};

const goOn = ({ others, latest, perPriority, stepCounts }: Amount) => `), handed as (
  update task t set
    pending = t.pending - k.n, status = 'in_progress', agent_id = k.agent_id, agent_name = k.agent_name,
    lease_token = k.next, attempt = t.attempt + 1, started_at = coalesce(t.started_at, $2::bigint),
    ready_at = $2::bigint, timeout_at = $2::bigint + t.timeout_ms,
    lease_until = least($2::bigint + $3::bigint, t.deadline_at, $2::bigint + t.timeout_ms),
    virtual_time = greatest(t.virtual_time,
      (select c.virtual_time from clock c where c.priority = t.priority))
  from taker k
  where t.id = k.id and t.status = 'blocked' and (t.join_policy = 'any' or t.pending <= k.n)
  returning t.id, t.tenant, t.priority, t.virtual_time, t.lease_token as token, t.agent_id, t.agent_name, t.capability,
    t.attempt, t.max_attempts, t.timeout_at, t.lease_until, t.run_id, t.step, t.parent_id, t.resumed, t.input, k.instead_of
), tick as (
  insert into fair_share as s (tenant, priority, virtual_time)
  select '', h.priority, ${latest} from handed h left join clock c on c.priority = h.priority
  where c.virtual_time is null or h.virtual_time > c.virtual_time
  ${perPriority}
  on conflict (tenant, priority) do update set virtual_time = greatest(s.virtual_time, excluded.virtual_time)
), counted_down as (
  update task t set
    pending = t.pending - m.n,
    status = case when t.join_policy = 'any' or t.pending <= m.n then 'ready' else 'blocked' end,
    ready_at = case when t.join_policy = 'any' or t.pending <= m.n then greatest(t.ready_at, $2::bigint) else t.ready_at end,
    delayed = (t.join_policy = 'any' or t.pending <= m.n) and coalesce(t.ready_at > $2::bigint, false),
    virtual_time = greatest(t.virtual_time,
      (select c.virtual_time from clock c where c.priority = t.priority))
  from met m
  where t.id = m.task_id and t.status = 'blocked' and ${others}
  returning t.id, t.tenant, t.run_id, t.route, t.status, t.priority, t.virtual_time, t.delayed,
    t.ready_at, t.budget_id
), counted_up as (
  update run_step s set completed = s.completed + c.n
  from (${stepCounts}) c
  where s.run_id = c.run_id and s.step = c.step
  returning s.run_id, s.completed + s.failed >= s.total as over
), told as (
  insert into event (at, type, task_id, run_id, agent_id, tenant, data)
  select $2::bigint, type, id, run_id, agent_id, tenant, data from (
    select 1 as ord, 'task.completed' as type, id, run_id, agent_id, tenant,
      json_build_object('agent', agent_name, 'attempt', attempt, 'step', step, 'durationMs', $2::bigint - started_at) as data
    from ended
    union all
    select 2, 'task.ready', id, run_id, null, tenant, '{}'::json from counted_down where status = 'ready'
    union all
    select 2, 'task.ready', id, run_id, null, tenant, '{}'::json from handed
    union all
    select 3, 'task.started', id, run_id, agent_id, tenant,
      json_build_object('agent', agent_name, 'attempt', attempt, 'resumed', resumed, 'step', step)
    from handed
  ) e order by ord, id
)
select 'ended' as kind, id, route, agent_id, token, tenant, null as priority, null as virtual_time,
  null as ready_at, budget_id, null::json as handed, has_locks from ended
union all
select case when delayed then 'later' else 'ready' end, id, route, null, null, tenant, priority, virtual_time, ready_at, budget_id, null, null
from counted_down where status = 'ready'
union all
select 'handed', id, null, agent_id, null, null, null, null, null, null, row_to_json(h), null from handed h
union all
select 'step', run_id, null, null, null, null, null, null, null, null, null, null from counted_up where over`;

/**
 * The common end of a task, as one statement: the results whose lease is live are accepted, dependents are
 * counted down and become ready, steps of runs are counted up, events are written.
 *
 * **Hand-off**: a result may bring the token of a lease to come (`next`). It is spent on a dependent of these results
 * on the same route, for the agent and the slot that the result frees, so that the next link of a chain costs no
 * claim. Not where a task is ready on that route already: that one is ahead, by priority and fair order. Not to a
 * dependent under a budget either: it is handed out only where the budget has room.
 *
 * Two phrases are for the planner, whose plan of a young table is kept: `ord between` makes it expect one row, so that
 * each task is found by its id, and the scalar subquery is always one probe of the index of ready tasks.
 *
 * It leaves alone what needs care: tasks that have sub-tasks, and tasks that got a dependent after they were
 * submitted (this statement's snapshot might miss it). Those and all other outcomes go through `settleWithCare`.
 *
 * One result that comes alone is completed by `completeOne`, which is the same but that nothing is counted, grouped or ranked
 * for many: the parts of a statement that do so would take a fourth of its time although they have nothing to do.
 * $1 results: [{id, token, next, output}], $2 now, $3 lease in ms.
 */
export const complete: Statement<CompletionRow> = {
  name: "complete",
  text: accept + chooseAmongMany + goOn(many),
};

/** What `complete` does, for one result. */
export const completeOne: Statement<CompletionRow> = {
  name: "complete_one",
  text: accept + chooseForOne + goOn(one),
};
