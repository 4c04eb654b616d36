-- Writing and verifying backups. The backups themselves are files; these rows say what is under way, to every node,
-- and go with the store that they are about: no backup holds them.
create table backup_job (
  id          uuid primary key,
  kind        text not null constraint backup_job_kind check (kind in ('create', 'verify')),
  status      text not null constraint backup_job_status check (status in ('running', 'completed', 'failed')),
  backup      text not null,
  scheduled   boolean not null,
  progress    text not null,
  steps       json not null,
  error       json,
  started_at  bigint not null,
  ended_at    bigint,
  -- The node that works on it says so again and again; one that is silent until then is gone.
  held_until  bigint not null,
  constraint backup_job_final check ((status = 'running') = (ended_at is null))
);
-- One at a time, over all nodes.
create unique index backup_job_running on backup_job (status) where status = 'running';

-- When the next one is due: one row.
create table backup_schedule (
  name      text primary key,
  every_ms  bigint not null,
  due_at    bigint not null
);
