import type { Statement } from "../../../ports/database.ts";
import type { EventRow } from "./events.ts";

export interface TriggerRow {
  id: string;
  tenant: string;
  name: string;
  types: string[];
  capability: string | null;
  conditions: unknown;
  event_as: string | null;
  starts: "task" | "run";
  what: string;
  document: unknown;
  status: "active" | "paused";
  position: number;
  max_per_minute: number;
  max_depth: number;
  minute_at: number;
  in_minute: number;
  held_until: number | null;
  last_at: number | null;
  last_event: number | null;
  last_id: string | null;
  started: number;
  skipped: number;
  created_at: number;
}

const columns =
  "id, tenant, name, types, capability, conditions, event_as, starts, what, document, status, position, max_per_minute, max_depth, minute_at, in_minute, held_until, last_at, last_event, last_id, started, skipped, created_at";

/**
 * None where the tenant has one of that name, or as many as it may. $1 id, $2 tenant, $3 name, $4 types, $5 capability,
 * $6 conditions, $7 event as, $8 starts, $9 what, $10 document, $11 status, $12 position, $13 most per minute, $14 most
 * depth, $15 now, $16 how many it may have.
 */
export const createTriggerRow: Statement<TriggerRow> = {
  name: "create_trigger",
  text: `
with made as (
  insert into event_trigger (id, tenant, name, types, capability, conditions, event_as, starts, what, document, status, position,
    max_per_minute, max_depth, created_at)
  select $1::uuid, $2, $3, $4::text[], $5, $6::json, $7, $8, $9, $10::json, $11, $12::bigint, $13::int, $14::smallint, $15::bigint
  where (select count(*) from event_trigger where tenant = $2) < $16::int
  on conflict (tenant, name) do nothing
  returning ${columns}
), told as (
  insert into event (at, type, tenant, data)
  select $15::bigint, 'trigger.created', tenant, json_build_object('trigger', id, 'name', name) from made
)
select ${columns} from made`,
};

/** By id, or by name: of one's own tenant, or for all tenants of the default one first. $1 tenant (*: all), $2 id, $3 name. */
export const findTrigger: Statement<TriggerRow> = {
  name: "find_trigger",
  text: `
select ${columns} from event_trigger where ($1 = '*' or tenant = $1) and (id = $2::uuid or name = $3)
order by tenant <> 'default', tenant, id limit 1`,
};

/** Newest first. $1 tenant (*: all), $2 status, $3 before this id, $4 how many. */
export const listTriggers: Statement<TriggerRow> = {
  name: "list_triggers",
  text: `
select ${columns} from event_trigger
where ($1 = '*' or tenant = $1) and ($2::text is null or status = $2) and ($3::uuid is null or id < $3::uuid)
order by id desc limit $4`,
};

/** Those that may have something to do. $1 the newest event, $2 now, $3 behind this id, $4 how many. */
export const findBusyTriggers: Statement<{ id: string }> = {
  name: "find_busy_triggers",
  text: `
select id from event_trigger
where status = 'active' and position < $1 and (held_until is null or held_until <= $2) and id > $3::uuid
order by id limit $4`,
};

/** Whoever gets the row may move it on; the others leave it alone. $1 id. */
export const lockTrigger: Statement<TriggerRow> = {
  name: "lock_trigger",
  text: `select ${columns} from event_trigger where id = $1 and status = 'active' for update skip locked`,
};

/**
 * Events that may count, in order. $1 tenant, $2 behind this one, $3 up to this one, $4 types, $5 capability (null: any),
 * $6 how many.
 */
export const readTriggerEvents: Statement<EventRow> = {
  name: "read_trigger_events",
  text: `
select e.seq, e.at, e.type, e.task_id, e.run_id, e.agent_id, e.tenant, e.data
from event e left join task t on t.id = e.task_id
where e.seq > $2 and e.seq <= $3 and e.tenant in ($1, '*') and e.type = any ($4::text[])
  and ($5::text is null or coalesce(t.capability, e.data->>'capability') = $5)
order by e.seq limit $6`,
};

/**
 * How many triggers led to the work that an event is about: that of its task, of a task above it, or of its run.
 * $1 task (null: none), $2 run (null: none).
 */
export const triggerDepth: Statement<{ depth: number }> = {
  name: "trigger_depth",
  text: `
with recursive line as (
  select id, parent_id, run_id, 0 as level from task where id = $1::uuid
  union all
  select p.id, p.parent_id, p.run_id, l.level + 1 from line l join task p on p.id = l.parent_id where l.level < 64
)
select coalesce(max(s.depth), 0)::int as depth from trigger_start s
where s.work_id in (select id from line union select run_id from line union select $2::uuid)`,
};

/** $1 work, $2 trigger, $3 event, $4 depth, $5 now. */
export const noteTriggerStart: Statement<{ work_id: string }> = {
  name: "note_trigger_start",
  text: `
insert into trigger_start (work_id, trigger_id, event_seq, depth, started_at)
values ($1::uuid, $2::uuid, $3::bigint, $4::smallint, $5::bigint) returning work_id`,
};

/**
 * Moves a trigger on from the position at which it was found. $1 id, $2 that position, $3 new position, $4 minute, $5 work in
 * that minute, $6 held until, $7 work started (null: none), $8 left out, more than before, $9 now, $10 events: [{type, data}].
 */
export const moveTrigger: Statement<{ id: string }> = {
  name: "move_trigger",
  text: `
with moved as (
  update event_trigger set position = $3::bigint, minute_at = $4::bigint, in_minute = $5::int, held_until = $6::bigint,
    last_id = coalesce($7::uuid, last_id), last_event = case when $7::uuid is null then last_event else $3::bigint end,
    last_at = case when $7::uuid is null then last_at else $9::bigint end,
    started = started + case when $7::uuid is null then 0 else 1 end, skipped = skipped + $8::int
  where id = $1 and position = $2::bigint
  returning id, tenant
), told as (
  insert into event (at, type, tenant, data)
  select $9::bigint, x.type, m.tenant, x.data from moved m, json_to_recordset($10::json) as x(type text, data json)
)
select id from moved`,
};

/**
 * Pauses a trigger, or lets it go on behind an event. $1 id, $2 status, $3 position (null: as before), $4 now, $5 what is told.
 * Answers nothing where it has that status.
 */
export const setTriggerStatus: Statement<TriggerRow> = {
  name: "set_trigger_status",
  text: `
with changed as (
  update event_trigger set status = $2, position = greatest(position, coalesce($3::bigint, position)), held_until = null
  where id = $1 and status <> $2
  returning ${columns}
), told as (
  insert into event (at, type, tenant, data)
  select $4::bigint, $5, tenant, json_build_object('trigger', id, 'name', name) from changed
)
select ${columns} from changed`,
};

/** $1 id, $2 now. */
export const deleteTrigger: Statement<TriggerRow> = {
  name: "delete_trigger",
  text: `
with gone as (
  delete from event_trigger where id = $1 returning ${columns}
), told as (
  insert into event (at, type, tenant, data)
  select $2::bigint, 'trigger.deleted', tenant, json_build_object('trigger', id, 'name', name) from gone
)
select ${columns} from gone`,
};

/** Starts so old that what they started is gone, too. $1 before, $2 how many. */
export const pruneTriggerStarts: Statement<{ work_id: string }> = {
  name: "prune_trigger_starts",
  text: `
delete from trigger_start where work_id in (
  select work_id from trigger_start s where started_at < $1
    and not exists (select 1 from task t where t.id = s.work_id)
    and not exists (select 1 from run r where r.id = s.work_id)
  order by started_at limit $2)
returning work_id`,
};
