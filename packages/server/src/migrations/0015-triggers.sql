-- Work that is handed in when an event happens. Whoever moves a trigger past an event hands in its work in the same
-- transaction, so each event counts once, however many nodes look.
create table event_trigger (
  id              uuid primary key,
  tenant          text not null,
  name            text not null,
  -- Which events count: their types, the capability that they are about, and conditions on places in them.
  types           text[] not null,
  capability      text,
  conditions      json not null,
  event_as        text,
  -- What it starts: a task or a run, as it was handed in, and how that is called.
  starts          text not null,
  what            text not null,
  document        json not null,
  status          text not null,
  -- Events up to this one were considered.
  position        bigint not null,
  max_per_minute  integer not null,
  max_depth       smallint not null,
  -- When the minute began in which work is counted, and how much there was.
  minute_at       bigint not null default 0,
  in_minute       integer not null default 0,
  held_until      bigint,
  last_at         bigint,
  last_event      bigint,
  last_id         uuid,
  started         bigint not null default 0,
  skipped         bigint not null default 0,
  created_at      bigint not null,
  constraint event_trigger_name unique (tenant, name),
  constraint event_trigger_starts check (starts in ('task', 'run')),
  constraint event_trigger_status check (status in ('active', 'paused'))
);
create index event_trigger_active on event_trigger (id) where status = 'active';

-- What was started for which event, and how many triggers led to it. It bounds chains of triggers, and proves that none
-- acts on an event twice.
create table trigger_start (
  work_id     uuid primary key,
  trigger_id  uuid not null,
  event_seq   bigint not null,
  depth       smallint not null,
  started_at  bigint not null,
  constraint trigger_start_once unique (trigger_id, event_seq)
);
create index trigger_start_age on trigger_start (started_at);

-- The rule that the next backup's time was reckoned by: an interval or a cron line. Another one begins anew.
alter table backup_schedule add column rule text not null default '';
