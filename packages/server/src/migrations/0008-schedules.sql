-- Work that is handed in at certain times. What a schedule waits for is a row with a time, next_at; whoever moves that on
-- hands in the work in the same transaction, so each time counts once, however many nodes look.
create table schedule (
  id          uuid primary key,
  tenant      text not null,
  name        text not null,
  -- One of the two: the line that its times follow, or the one time.
  cron        text,
  at          bigint,
  timezone    text not null,
  missed      text not null,
  overlap     text not null,
  -- What it starts: a task or a run, as it was handed in, and how that is called.
  starts      text not null,
  what        text not null,
  document    json not null,
  status      text not null,
  next_at     bigint,
  last_at     bigint,
  last_id     uuid,
  -- Times whose work waits for the end of the one before.
  queued      integer not null default 0,
  started     bigint not null default 0,
  skipped     bigint not null default 0,
  created_at  bigint not null,
  ended_at    bigint,
  constraint schedule_name unique (tenant, name),
  constraint schedule_when check ((cron is null) <> (at is null)),
  constraint schedule_starts check (starts in ('task', 'run')),
  constraint schedule_missed check (missed in ('skip', 'run-once', 'run-all')),
  constraint schedule_overlap check (overlap in ('allow', 'skip', 'queue')),
  constraint schedule_status check (status in ('active', 'paused', 'ended')),
  constraint schedule_next check ((next_at is not null) = (status = 'active'))
);
create index schedule_due on schedule (next_at, id) where next_at is not null;
create index schedule_queued on schedule (id) where queued > 0;
