import type { Statement } from "../../ports/database.ts";
import { mostSkewMs } from "./faults.ts";
import { leaseMs } from "./node-process.ts";
import { mostCost } from "./spending.ts";
import { checkTriggers } from "./trigger-rules.ts";
import type { World } from "./world.ts";

interface Broken {
  rule: string;
  detail: string;
  ids: string[];
}

/**
 * One statement for all rules, since it runs after every step. $1 the furthest end of a lease, $2 until when what is due must
 * have been done (null: while faults go on), $3 the most that a call costs. A run whose agents say what they spend only
 * afterwards lets one of them spend at a time, and may go beyond its budget by that one call.
 */
const broken: Statement<Broken> = {
  name: "sim_moment",
  text: `
with under as (
  select b.id, count(*) as made, count(*) filter (where t.status = 'in_progress') as active, max(t.depth) as depth
  from task t join budget x on x.id = t.budget_id cross join unnest(x.path) as b(id) group by b.id
), broken as (
  select 'no agent above its concurrency' as rule,
    format('%s holds %s of %s', t.agent_id, count(*), a.max_concurrency) as detail, array_agg(t.id::text order by t.id) as ids
  from task t join agent a on a.id = t.agent_id where t.status = 'in_progress'
  group by t.agent_id, a.max_concurrency having count(*) > a.max_concurrency
  union all
  select 'no lease longer than a lease', 'its lease goes on too long', array[id::text]
  from task where status = 'in_progress' and lease_until > $1::bigint
  union all
  select 'nothing in progress beyond a lease', 'its lease ended long ago', array[id::text]
  from task where status = 'in_progress' and lease_until < $2::bigint
  union all
  select 'no breaker open beyond its cool-down', format('the cool-down of %s was over long ago', agent_id), '{}'
  from breaker where state = 'open' and retry_at < $2::bigint
  union all
  select 'no moment of a schedule is forgotten', format('%s was due long ago', name), '{}'
  from schedule where status = 'active' and next_at < $2::bigint
  union all
  select 'no budget beyond its time', format('the time of budget %s was over long ago', id), '{}'
  from budget where reached is null and ends_at < $2::bigint
  union all
  select 'spending within the budget', format('budget %s: %s money of %s, %s tokens of %s', id, money_spent + money_reserved,
    money_limit, token_spent + token_reserved, token_limit), '{}'
  from (select *, case when task_id is null and concurrency_limit = 1 then $3::int else 0 end as more from budget) b
  where money_spent + money_reserved > money_limit + more or token_spent + token_reserved > token_limit + more
  union all
  select 'within the bounds of a budget', format('budget %s: %s tasks of %s, %s at once of %s, %s deep of %s', b.id,
    u.made, b.task_limit, u.active, b.concurrency_limit, u.depth - b.base_depth, b.depth_limit), '{}'
  from budget b join under u on u.id = b.id
  where u.made > b.task_limit or u.active > b.concurrency_limit or u.depth - b.base_depth > b.depth_limit
)
select rule, detail, ids from broken order by rule, detail`,
};

/** Budgets below which calls were made that cost more than it has, whatever it says itself. $1 calls: [{taskId, cost}]. */
const overspent: Statement<{ id: string; cost: number; ids: string[] }> = {
  name: "sim_overspent",
  text: `
select b.id, sum(c.cost)::int as cost, array_agg(distinct t.id::text) as ids
from json_to_recordset($1::json) as c("taskId" uuid, cost int) join task t on t.id = c."taskId"
join budget x on x.id = t.budget_id join budget b on b.id = any (x.path)
group by b.id, b.money_limit, b.token_limit
having sum(c.cost) > least(b.money_limit, b.token_limit) order by b.id`,
};

/** Once faults have stopped: upkeep's rest, a call to the database, the next timer. */
const upkeepRestMs = 2_500;

/** What must hold at every moment. `calmMs`: how long nothing has gone wrong; null while faults go on. */
export async function checkMoment(world: World, calmMs: number | null): Promise<void> {
  const { database, clock, violate, promises } = world;
  const isCalm = calmMs !== null && calmMs >= leaseMs;
  const longest = clock.now() + leaseMs + mostSkewMs;
  const done = isCalm ? clock.now() - upkeepRestMs : null;
  for (const { rule, detail, ids } of await database.query(broken, [longest, done, mostCost]))
    violate({ rule, detail, taskIds: ids });
  await checkTriggers(world);
  if (promises.calls.length === world.callsChecked) return;
  world.callsChecked = promises.calls.length;
  for (const { id, cost, ids } of await database.query(overspent, [JSON.stringify(promises.calls)])) {
    const detail = `the calls under budget ${id} cost ${cost} or more`;
    violate({ rule: "spending within the budget", detail, taskIds: ids });
  }
}
