import type {
  RollbackPolicy,
  RolloutCause,
  RolloutStatus,
  RolloutStep,
  SideSelector,
  WhenAway,
} from "@muster/sdk/protocol";
import type { Statement } from "../../../ports/database.ts";

export interface RolloutRow {
  id: string;
  tenant: string;
  capability: string;
  candidate: SideSelector;
  baseline: SideSelector | null;
  steps: RolloutStep[];
  step: number;
  rollback: Required<RollbackPolicy>;
  comparison: string | null;
  shadow_tasks: number;
  when_away: WhenAway;
  status: RolloutStatus;
  holds: boolean;
  cause: RolloutCause | null;
  started_by: string;
  created_at: number;
  step_started_at: number;
  due_at: number | null;
  ended_at: number | null;
}

const columns = `id, tenant, capability, candidate, baseline, steps, step, rollback, comparison, shadow_tasks, when_away,
  status, holds, cause, started_by, created_at, step_started_at, due_at, ended_at`;

/** Held until the transaction ends by whoever starts a rollout. */
export const lockRollouts: Statement = {
  name: "lock_rollouts",
  text: "select pg_advisory_xact_lock(hashtextextended('muster rollouts', 0))::text",
};

/** What stands in the way of a rollout, and how many there are. $1 capability, $2 tenant (*: all). */
export const findConflict: Statement<{ id: string | null; tenant: string | null; total: number }> = {
  name: "find_rollout_conflict",
  text: `
select c.id, c.tenant, (select count(*)::int from rollout where holds) as total
from (select 1) one left join lateral (
  select id, tenant from rollout
  where holds and status = 'running' and capability = $1 and (tenant = $2 or tenant = '*' or $2 = '*')
  order by id limit 1) c on true`,
};

/** Starts a rollout in place of the one that ended before it. $1 rollout, $2 now. */
export const addRollout: Statement<RolloutRow> = {
  name: "add_rollout",
  text: `
with incoming as materialized (
  select * from json_to_record($1::json) as x(id uuid, tenant text, capability text, candidate json, baseline json,
    steps json, rollback json, comparison text, shadow_tasks int, when_away text, started_by text, due_at bigint)
), added as (
  insert into rollout (id, tenant, capability, candidate, baseline, steps, step, rollback, comparison, shadow_tasks,
    when_away, status, holds, started_by, created_at, step_started_at, due_at)
  select id, tenant, capability, candidate, baseline, steps, 0, rollback, comparison, shadow_tasks,
    when_away, 'running', true, started_by, $2::bigint, $2::bigint, due_at
  from incoming
  returning ${columns}
), told as (
  insert into event (at, type, tenant, data)
  select $2::bigint, 'rollout.started', tenant, json_build_object('rolloutId', id, 'capability', capability,
    'candidate', candidate, 'baseline', baseline, 'step', 0, 'weight', steps->0->'candidate', 'by', started_by)
  from added
)
select ${columns} from added`,
};

/** The one that ended before lets go. $1 capability, $2 tenant. */
export const replaceRollout: Statement = {
  name: "replace_rollout",
  text: `update rollout set holds = false where holds and status <> 'running' and capability = $1 and tenant = $2`,
};

/**
 * Moves a running rollout to another step, or ends it. Nothing happens where somebody else has moved it since.
 * $1 id, $2 the step that it is in, $3 now, $4 the step that it is in then, $5 status, $6 cause, $7 due, $8 event type.
 */
export const moveRollout: Statement<RolloutRow> = {
  name: "move_rollout",
  text: `
with moved as (
  update rollout set step = $4::int, status = $5, cause = $6::json,
    step_started_at = case when $5 = 'running' then $3::bigint else step_started_at end,
    due_at = case when $5 = 'running' then $7::bigint end,
    ended_at = case when $5 <> 'running' then $3::bigint end
  where id = $1 and status = 'running' and step = $2::int
  returning ${columns}
), told as (
  insert into event (at, type, tenant, data)
  select $3::bigint, $8, tenant, json_build_object('rolloutId', id, 'capability', capability, 'candidate', candidate,
    'step', step, 'weight', case status when 'promoted' then 100 when 'running' then (steps->step->>'candidate')::int else 0 end,
    'cause', cause)
  from moved
)
select ${columns} from moved`,
};

/** One that ended says no longer who gets tasks. $1 id, $2 now, $3 who. */
export const clearRollout: Statement<RolloutRow> = {
  name: "clear_rollout",
  text: `
with cleared as (
  update rollout set holds = false where id = $1 and holds and status <> 'running' returning ${columns}
), told as (
  insert into event (at, type, tenant, data)
  select $2::bigint, 'rollout.cleared', tenant,
    json_build_object('rolloutId', id, 'capability', capability, 'by', $3::text) from cleared
)
select ${columns} from cleared`,
};

/** Those that say who gets tasks. $1 how many. */
export const holdingRollouts: Statement<RolloutRow> = {
  name: "holding_rollouts",
  text: `select ${columns} from rollout where holds order by id limit $1`,
};

/** $1 id, $2 tenant (*: all). */
export const readRollout: Statement<RolloutRow> = {
  name: "read_rollout",
  text: `select ${columns} from rollout where id = $1 and ($2 = '*' or tenant = $2)`,
};

/** Newest first. $1 tenant (*: all), $2 capability, $3 status, $4 before this id, $5 how many. */
export const listRollouts: Statement<RolloutRow> = {
  name: "list_rollouts",
  text: `
select ${columns} from rollout
where ($1 = '*' or tenant = $1) and ($2::text is null or capability = $2) and ($3::text is null or status = $3)
  and ($4::uuid is null or id < $4::uuid)
order by id desc limit $5`,
};

/** The time of a step has been looked at. $1 id, $2 step, $3 now. */
export const forgetDue: Statement = {
  name: "forget_rollout_due",
  text: `update rollout set due_at = null where id = $1 and step = $2::int and due_at <= $3::bigint`,
};

/** Rollouts that ended and say nothing any more. $1 before, $2 how many. */
export const pruneRollouts: Statement<{ id: string }> = {
  name: "prune_rollouts",
  text: `
delete from rollout where id in (
  select id from rollout where not holds and ended_at < $1 order by id limit $2)
returning id`,
};

/** Ready tasks of a route that have no seat in a rollout yet. $1 route, $2 tenants (null: all), $3 how many. */
export const lockUnseated: Statement<{
  id: string;
  tenant: string;
  run_id: string | null;
  rollout_key: string | null;
}> = {
  name: "lock_unseated",
  text: `
with next as (
  select id from task
  where route = $1 and status = 'ready' and not delayed and ($2::text[] is null or tenant = any ($2::text[]))
  order by priority desc, virtual_time, id limit $3
)
select t.id, t.tenant, t.run_id, t.rollout_key from task t join next n on n.id = t.id
where t.route = $1 and t.status = 'ready'
order by t.id for update of t`,
};

/** $1 seats: [{id, route}]. */
export const seatTasks: Statement<{ route: string }> = {
  name: "seat_tasks",
  text: `
update task t set route = s.route from json_to_recordset($1::json) as s(id uuid, route text)
where t.id = s.id and t.status = 'ready' returning t.route`,
};
