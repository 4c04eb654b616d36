import type { Statement } from "../../../ports/database.ts";

export interface BackupJobRow {
  id: string;
  kind: "create" | "verify";
  status: "running" | "completed" | "failed";
  backup: string;
  scheduled: boolean;
  progress: string;
  steps: string[];
  error: { code: string; message: string } | null;
  started_at: number;
  ended_at: number | null;
}

const columns = "id, kind, status, backup, scheduled, progress, steps, error, started_at, ended_at";

/** Jobs whose node fell silent. $1 now. */
export const endSilentJobs: Statement<{ id: string; backup: string }> = {
  name: "end_silent_backup_jobs",
  text: `
with ended as (
  update backup_job set status = 'failed', ended_at = $1::bigint,
    error = json_build_object('code', 'unavailable', 'message', 'The node that worked on it is gone.')
  where status = 'running' and held_until <= $1
  returning id, kind, backup, error
), told as (
  insert into event (at, type, tenant, data)
  select $1::bigint, 'backup.failed', '*', json_build_object('backup', backup, 'job', id, 'kind', kind, 'error', error) from ended
)
select id, backup from ended`,
};

/** No row where another is running. $1 id, $2 kind, $3 backup, $4 scheduled, $5 now, $6 held until. */
export const startJob: Statement<BackupJobRow> = {
  name: "start_backup_job",
  text: `
insert into backup_job (id, kind, status, backup, scheduled, progress, steps, started_at, held_until)
values ($1, $2, 'running', $3, $4, '', '[]', $5, $6)
on conflict do nothing returning ${columns}`,
};

/** No row: it was taken for dead. $1 id, $2 held until, $3 progress. */
export const holdJob: Statement<{ id: string }> = {
  name: "hold_backup_job",
  text: "update backup_job set held_until = $2::bigint, progress = $3 where id = $1 and status = 'running' returning id",
};

/** $1 id, $2 status, $3 now, $4 steps, $5 error, $6 type of the event. */
export const endJob: Statement<BackupJobRow> = {
  name: "end_backup_job",
  text: `
with ended as (
  update backup_job set status = $2, ended_at = $3::bigint, steps = $4::json, error = $5::json
  where id = $1 and status = 'running' returning ${columns}
), told as (
  insert into event (at, type, tenant, data)
  select $3::bigint, $6, '*', json_build_object('backup', backup, 'job', id, 'kind', kind, 'scheduled', scheduled, 'error', error)
  from ended
)
select ${columns} from ended`,
};

/** $1 id. */
export const readJob: Statement<BackupJobRow> = {
  name: "read_backup_job",
  text: `select ${columns} from backup_job where id = $1`,
};

/** At most one. */
export const readRunningJob: Statement<BackupJobRow> = {
  name: "read_running_backup_job",
  text: `select ${columns} from backup_job where status = 'running'`,
};

/** $1 the time before which jobs are forgotten. */
export const forgetJobs: Statement<{ id: string }> = {
  name: "forget_backup_jobs",
  text: "delete from backup_job where started_at < $1 and status <> 'running' returning id",
};

/** The row of the schedule, made where it is missing; another rule begins anew. $1 every so often in ms (0: by cron), $2 the next time, $3 the rule. */
export const keepSchedule: Statement<{ due_at: number }> = {
  name: "keep_backup_schedule",
  text: `
insert into backup_schedule as s (name, every_ms, due_at, rule) values ('all', $1, $2, $3)
on conflict (name) do update set every_ms = excluded.every_ms, rule = excluded.rule,
  due_at = case when s.rule = excluded.rule then s.due_at else excluded.due_at end
returning due_at`,
};

/** Takes what is due; one of all who ask gets a row. $1 now, $2 the next time. */
export const takeDueBackup: Statement<{ due_at: number }> = {
  name: "take_due_backup",
  text: "update backup_schedule set due_at = $2::bigint where name = 'all' and due_at <= $1 returning due_at",
};

/** When the next is due. */
export const readSchedule: Statement<{ due_at: number }> = {
  name: "read_backup_schedule",
  text: "select due_at from backup_schedule where name = 'all'",
};
