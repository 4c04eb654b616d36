import type { Statement } from "../../../ports/database.ts";

export interface ScheduleRow {
  id: string;
  tenant: string;
  name: string;
  cron: string | null;
  at: number | null;
  timezone: string;
  missed: "skip" | "run-once" | "run-all";
  overlap: "allow" | "skip" | "queue";
  starts: "task" | "run";
  what: string;
  document: unknown;
  status: "active" | "paused" | "ended";
  next_at: number | null;
  last_at: number | null;
  last_id: string | null;
  queued: number;
  started: number;
  skipped: number;
  created_at: number;
}

const columns =
  "id, tenant, name, cron, at, timezone, missed, overlap, starts, what, document, status, next_at, last_at, last_id, queued, started, skipped, created_at";

/**
 * None where the tenant has one of that name, or as many as it may. $1 id, $2 tenant, $3 name, $4 cron, $5 at, $6 timezone,
 * $7 missed, $8 overlap, $9 starts, $10 what, $11 document, $12 status, $13 next, $14 now, $15 how many it may have.
 */
export const createScheduleRow: Statement<ScheduleRow> = {
  name: "create_schedule",
  text: `
with made as (
  insert into schedule (id, tenant, name, cron, at, timezone, missed, overlap, starts, what, document, status, next_at, created_at)
  select $1::uuid, $2, $3, $4, $5::bigint, $6, $7, $8, $9, $10, $11::json, $12, $13::bigint, $14::bigint
  where (select count(*) from schedule where tenant = $2 and status <> 'ended') < $15::int
  on conflict (tenant, name) do nothing
  returning ${columns}
), told as (
  insert into event (at, type, tenant, data)
  select $14::bigint, 'schedule.created', tenant, json_build_object('schedule', id, 'name', name) from made
)
select ${columns} from made`,
};

/** By id, or by name: of one's own tenant, or for all tenants of the default one first. $1 tenant (*: all), $2 id, $3 name. */
export const findSchedule: Statement<ScheduleRow> = {
  name: "find_schedule",
  text: `
select ${columns} from schedule where ($1 = '*' or tenant = $1) and (id = $2::uuid or name = $3)
order by tenant <> 'default', tenant, id limit 1`,
};

/** Newest first. $1 tenant (*: all), $2 status, $3 before this id, $4 how many. */
export const listSchedules: Statement<ScheduleRow> = {
  name: "list_schedules",
  text: `
select ${columns} from schedule
where ($1 = '*' or tenant = $1) and ($2::text is null or status = $2) and ($3::uuid is null or id < $3::uuid)
order by id desc limit $4`,
};

/** Schedules whose time has come. $1 now, $2 how many. */
export const findDueSchedules: Statement<{ id: string }> = {
  name: "find_due_schedules",
  text: "select id from schedule where next_at <= $1 order by next_at, id limit $2",
};

/** Schedules of which a time waits for work that has ended by now. $1 how many. */
export const findQueuedSchedules: Statement<{ id: string }> = {
  name: "find_queued_schedules",
  text: `
select s.id from schedule s where s.queued > 0 and s.status <> 'paused'
  and not exists (select 1 from task t where t.id = s.last_id and t.ended_at is null)
  and not exists (select 1 from run r where r.id = s.last_id and r.ended_at is null)
order by s.id limit $1`,
};

/** Whoever gets the row may move it on; the others leave it alone. $1 id. */
export const lockSchedule: Statement<ScheduleRow> = {
  name: "lock_schedule",
  text: `select ${columns} from schedule where id = $1 for update skip locked`,
};

/** The same, and waits for whoever has it. $1 id. */
export const holdSchedule: Statement<ScheduleRow> = {
  name: "hold_schedule",
  text: `select ${columns} from schedule where id = $1 for update`,
};

/** Whether a task or run is under way. $1 id. */
export const isUnderWay: Statement<{ id: string }> = {
  name: "is_under_way",
  text: `
select id from task where id = $1 and ended_at is null
union all
select id from run where id = $1 and ended_at is null`,
};

/**
 * Moves a schedule on from the time at which it was found. $1 id, $2 that time (null: none), $3 next time, $4 status,
 * $5 queued, $6 last time (null: as before), $7 last id, $8 started, $9 skipped, both more than before, $10 now,
 * $11 events: [{type, data}].
 */
export const moveSchedule: Statement<ScheduleRow> = {
  name: "move_schedule",
  text: `
with moved as (
  update schedule set next_at = $3::bigint, status = $4, queued = $5::int, last_at = coalesce($6::bigint, last_at),
    last_id = coalesce($7::uuid, last_id), started = started + $8::int, skipped = skipped + $9::int,
    ended_at = case when $4 = 'ended' then coalesce(ended_at, $10::bigint) end
  where id = $1 and next_at is not distinct from $2::bigint
  returning ${columns}
), told as (
  insert into event (at, type, tenant, data)
  select $10::bigint, x.type, m.tenant, x.data from moved m, json_to_recordset($11::json) as x(type text, data json)
)
select ${columns} from moved`,
};

/** $1 id, $2 now. */
export const deleteSchedule: Statement<ScheduleRow> = {
  name: "delete_schedule",
  text: `
with gone as (
  delete from schedule where id = $1 returning ${columns}
), told as (
  insert into event (at, type, tenant, data)
  select $2::bigint, 'schedule.deleted', tenant, json_build_object('schedule', id, 'name', name) from gone
)
select ${columns} from gone`,
};

/** Those that ended, and of which nothing waits. $1 before, $2 how many. */
export const pruneSchedules: Statement<{ id: string }> = {
  name: "prune_schedules",
  text: `
delete from schedule where id in (
  select id from schedule where ended_at < $1 and queued = 0 order by id limit $2)
returning id`,
};
