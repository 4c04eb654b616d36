import type { Statement } from "../../../ports/database.ts";
import type { Breaker, BreakerCause } from "../../resilience/breaker.ts";

/** A breaker as its row has it, with whose it is. */
export interface BreakerRow {
  agent_id: string;
  agent_name: string;
  tenant: string;
  state: Breaker["state"];
  pristine: boolean;
  memory: BreakerMemory;
  openings: number;
  changed_at: number;
  retry_at: number | null;
  probe: string | null;
  probe_task: string | null;
  cause: BreakerCause | null;
  set_by: string | null;
  reason: string | null;
  version: number;
}

/** What no statement needs to look into. */
export type BreakerMemory = Partial<Pick<Breaker, "failedAt" | "timedOutAt" | "succeededAt" | "window">>;

const columns = `b.agent_id, a.name as agent_name, a.tenant, b.state, b.pristine, b.memory, b.openings, b.changed_at, b.retry_at,
  b.probe, b.probe_task, b.cause, b.set_by, b.reason, b.version`;

/**
 * Locks the breakers of agents, in the order of ids; one that has no row gets it. Who moves tasks in the same
 * transaction does this first, so that everybody locks in the same order. $1 agents, $2 now.
 */
export const lockBreakers: Statement<BreakerRow> = {
  name: "lock_breakers",
  text: `
with locked as (
  insert into breaker as b (agent_id, state, pristine, memory, changed_at, updated_at)
  select id, 'closed', true, '{}', $2::bigint, $2::bigint from agent where id = any ($1::text[]) order by id
  on conflict (agent_id) do update set agent_id = excluded.agent_id
  returning *
)
select ${columns} from locked b join agent a on a.id = b.agent_id order by b.agent_id`,
};

/**
 * Writes breakers that the caller has locked, and says what happened to them. $1 breakers, $2 events:
 * [{agent_id, type, data}], $3 now.
 */
export const saveBreakers: Statement<BreakerRow> = {
  name: "save_breakers",
  text: `
with incoming as materialized (
  select * from json_to_recordset($1::json) as x(agent_id text, state text, pristine boolean, memory json, openings int,
    changed_at bigint, retry_at bigint, probe uuid, probe_task uuid, cause text, set_by text, reason text)
), saved as (
  update breaker b set state = i.state, pristine = i.pristine, memory = i.memory, openings = i.openings,
    changed_at = i.changed_at, retry_at = i.retry_at, probe = i.probe, probe_task = i.probe_task, cause = i.cause,
    set_by = i.set_by, reason = i.reason, version = b.version + 1, updated_at = $3::bigint
  from incoming i where b.agent_id = i.agent_id
  returning b.*
), told as (
  insert into event (at, type, agent_id, tenant, data)
  select $3::bigint, e.type, e.agent_id, a.tenant, e.data
  from rows from (json_to_recordset($2::json) as (agent_id text, type text, data json)) with ordinality
    as e(agent_id, type, data, ord)
  join agent a on a.id = e.agent_id order by e.ord
)
select ${columns} from saved b join agent a on a.id = b.agent_id order by b.agent_id`,
};

/** Open breakers whose cool-down is over become half-open. $1 now, $2 how many. */
export const halfOpenDue: Statement<BreakerRow> = {
  name: "half_open_due",
  text: `
with due as (
  select agent_id from breaker where state = 'open' and retry_at <= $1::bigint order by agent_id limit $2 for update skip locked
), moved as (
  update breaker b set state = 'half_open', retry_at = null, changed_at = $1::bigint, version = b.version + 1,
    updated_at = $1::bigint
  from due where b.agent_id = due.agent_id
  returning b.*
), told as (
  insert into event (at, type, agent_id, tenant, data)
  select $1::bigint, 'breaker.half_opened', b.agent_id, a.tenant, json_build_object('agent', a.name)
  from moved b join agent a on a.id = b.agent_id order by b.agent_id
)
select ${columns} from moved b join agent a on a.id = b.agent_id order by b.agent_id`,
};

/**
 * Lets one call through each of these half-open breakers, unless one is under way: of all nodes that ask, one is granted
 * it. $1 probes: [{agent_id, token, task_id}], $2 now.
 */
export const beginProbes: Statement<BreakerRow> = {
  name: "begin_probes",
  text: `
with incoming as materialized (
  select * from json_to_recordset($1::json) as x(agent_id text, token uuid, task_id uuid)
), free as materialized (
  select b.agent_id from breaker b join incoming i on i.agent_id = b.agent_id
  where b.state = 'half_open' and b.probe is null order by b.agent_id for update of b
), begun as (
  update breaker b set probe = i.token, probe_task = i.task_id, version = b.version + 1, updated_at = $2::bigint
  from free f join incoming i on i.agent_id = f.agent_id where b.agent_id = f.agent_id
  returning b.*
)
select ${columns} from begun b join agent a on a.id = b.agent_id order by b.agent_id`,
};

/** Probes that were not made after all. $1 their tokens, $2 now. */
export const returnProbes: Statement<BreakerRow> = {
  name: "return_probes",
  text: `
with returned as (
  update breaker b set probe = null, probe_task = null, version = b.version + 1, updated_at = $2::bigint
  where b.probe = any ($1::uuid[])
  returning b.*
)
select ${columns} from returned b join agent a on a.id = b.agent_id order by b.agent_id`,
};

/** Probes that will say nothing more: their leases are over, or their tasks wait for others. $1 now, $2 how many. */
export const dropLostProbes: Statement<BreakerRow> = {
  name: "drop_lost_probes",
  text: `
with lost as (
  select b.agent_id from breaker b
  where not b.pristine and b.probe is not null and not exists (
    select from task t where t.id = b.probe_task and t.lease_token = b.probe and t.status = 'in_progress')
  order by b.agent_id limit $2 for update of b skip locked
), dropped as (
  update breaker b set probe = null, probe_task = null, version = b.version + 1, updated_at = $1::bigint
  from lost where b.agent_id = lost.agent_id
  returning b.*
)
select ${columns} from dropped b join agent a on a.id = b.agent_id order by b.agent_id`,
};

/** Every breaker that a node must know of. $1 tenant (*: all), $2 how many. */
export const readBreakers: Statement<BreakerRow> = {
  name: "read_breakers",
  text: `
select ${columns} from breaker b join agent a on a.id = b.agent_id
where not b.pristine and ($1 = '*' or a.tenant = $1 or a.tenant = '*') order by b.agent_id limit $2`,
};

/** Of one agent, be it here or not, and be there a row or not. No answer: nobody has heard of the agent. $1 agent. */
export const findBreaker: Statement<BreakerRow> = {
  name: "find_breaker",
  text: `
select a.id as agent_id, a.name as agent_name, a.tenant, coalesce(b.state, 'closed') as state,
  coalesce(b.pristine, true) as pristine, coalesce(b.memory, '{}') as memory, coalesce(b.openings, 0) as openings,
  coalesce(b.changed_at, a.registered_at) as changed_at, b.retry_at, b.probe, b.probe_task, b.cause, b.set_by, b.reason,
  coalesce(b.version, 0) as version
from agent a left join breaker b on b.agent_id = a.id where a.id = $1`,
};

/** Breakers that nobody needs: long unchanged, and closed or of agents that are gone. $1 before, $2 how many. */
export const pruneBreakers: Statement<{ agent_id: string }> = {
  name: "prune_breakers",
  text: `
delete from breaker where agent_id in (
  select b.agent_id from breaker b join agent a on a.id = b.agent_id
  where b.updated_at < $1 and (b.state = 'closed' or a.left_at is not null) order by b.agent_id limit $2)
returning agent_id`,
};
