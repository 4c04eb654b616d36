-- The tables of the core. All times are milliseconds since the epoch, given by the caller's clock.
-- Payloads are `json`, not `jsonb`: they are stored and handed on as they came, never searched.

create table task (
  id               uuid primary key,
  tenant           text not null,
  name             text,
  capability       text,
  requested_agent  text,
  tools            text[] not null default '{}',
  -- What an agent must match to get the task: capability, tools and agent as one key of the ready index.
  route            text not null,
  status           text not null,
  priority         smallint not null,
  -- Start tag of start-time fair queueing: orders the tenants inside one priority.
  virtual_time     double precision not null default 0,
  -- True for a ready task whose time has not come; upkeep clears it.
  delayed          boolean not null default false,
  ready_at         bigint,
  run_id           uuid,
  step             text,
  item_index       integer,
  parent_id        uuid,
  depth            smallint not null default 0,
  -- Both send the settling of a task down the careful path: see the settle statements.
  has_children     boolean not null default false,
  late_dependents  boolean not null default false,
  join_policy      text not null,
  -- Dependencies, or awaited sub-tasks, that have yet to count.
  pending          integer not null default 0,
  attempt          integer not null default 0,
  max_attempts     integer not null,
  -- Attempts that a retry by hand adds: those that the submission asked for.
  attempts_granted integer not null,
  retry_delay_ms   bigint not null,
  retry_factor     real not null,
  retry_max_ms     bigint not null,
  retry_jitter     real not null,
  timeout_ms       bigint not null,
  timeout_at       bigint,
  deadline_at      bigint,
  -- How long the task may take in all: a retry by hand gives it that long once more.
  deadline_ms      bigint,
  agent_id         text,
  agent_name       text,
  lease_token      uuid,
  lease_until      bigint,
  -- True from the moment a waiting task may go on until the attempt ends: it is the same attempt.
  resumed          boolean not null default false,
  input            json,
  output           json,
  error            json,
  created_at       bigint not null,
  started_at       bigint,
  ended_at         bigint,
  constraint task_status check (status in
    ('blocked', 'ready', 'in_progress', 'waiting', 'completed', 'failed', 'cancelled')),
  constraint task_target check (capability is not null or requested_agent is not null),
  constraint task_final check ((status in ('completed', 'failed', 'cancelled')) = (ended_at is not null)),
  constraint task_leased check (status <> 'in_progress' or
    (lease_token is not null and lease_until is not null and agent_id is not null)),
  constraint task_attempts check (attempt <= max_attempts)
);

-- Each index holds only the rows that its one reader looks for, so that finished work costs nothing.
create index task_ready on task (route, priority desc, virtual_time, id) where status = 'ready' and not delayed;
create index task_delayed on task (ready_at, id) where status = 'ready' and delayed;
create index task_lease on task (lease_until, id) where lease_until is not null;
create index task_deadline on task (deadline_at, id) where deadline_at is not null and status in ('blocked', 'ready');
create index task_run on task (run_id, id) where run_id is not null;
create index task_parent on task (parent_id, id) where parent_id is not null;

-- `need`: the task starts after it. `wait`: the running task waits for this sub-task. No foreign keys: they would
-- lock and look up a task per edge of a graph; edges are written with their task and pruned with it.
create table dependency (
  task_id     uuid not null,
  depends_on  uuid not null,
  kind        text not null constraint dependency_kind check (kind in ('need', 'wait')),
  primary key (depends_on, task_id, kind)
);
create index dependency_task on dependency (task_id);

-- Tries that did not complete their task. The live one, and the one that completed it, are in the task itself.
create table attempt (
  task_id     uuid not null references task (id) on delete cascade,
  number      integer not null,
  agent_id    text not null,
  agent_name  text not null,
  started_at  bigint not null,
  ended_at    bigint not null,
  error       json not null,
  primary key (task_id, number)
);

create table journal (
  task_id  uuid not null references task (id) on delete cascade,
  key      text not null,
  value    json,
  at       bigint not null,
  primary key (task_id, key)
);

create table idempotency_key (
  tenant      text not null,
  key         text not null,
  target_id   uuid not null,
  created_at  bigint not null,
  primary key (tenant, key)
);

-- The newest finish tag of each tenant in each priority. The row of tenant '' is the virtual clock.
create table fair_share (
  tenant        text not null,
  priority      smallint not null,
  virtual_time  double precision not null,
  arrived       double precision not null default 0,
  primary key (tenant, priority)
) with (fillfactor = 50);

create table tenant (
  id      text primary key,
  weight  double precision not null default 1 constraint tenant_weight check (weight > 0)
);

create table event (
  seq       bigint generated always as identity primary key,
  at        bigint not null,
  type      text not null,
  task_id   uuid,
  run_id    uuid,
  agent_id  text,
  tenant    text not null,
  data      json not null
);
create index event_run on event (run_id, seq) where run_id is not null;
create index event_task on event (task_id, seq) where task_id is not null and run_id is null;

create table run (
  id          uuid primary key,
  tenant      text not null,
  workflow    text not null,
  document    json not null,
  inputs      json not null,
  status      text not null constraint run_status check (status in ('running', 'completed', 'failed', 'cancelled')),
  output      json,
  error       json,
  created_at  bigint not null,
  ended_at    bigint,
  constraint run_final check ((status <> 'running') = (ended_at is not null))
);
create index run_running on run (id) where status = 'running';

create table run_step (
  run_id     uuid not null references run (id) on delete cascade,
  step       text not null,
  position   integer not null,
  status     text not null constraint run_step_status check (status in
    ('pending', 'running', 'completed', 'failed', 'skipped', 'cancelled')),
  capability text,
  total      integer not null default 0,
  completed  integer not null default 0,
  failed     integer not null default 0,
  output     json,
  reason     text,
  primary key (run_id, step),
  constraint run_step_counts check (completed + failed <= total)
) with (fillfactor = 50);

-- Who was ever here; who is here now is the registry's to say.
create table agent (
  id             text primary key,
  name           text not null,
  tenant         text not null,
  type           text not null,
  description    text not null,
  capabilities   json not null,
  max_concurrency integer not null,
  metadata       json not null,
  successes      double precision not null default 0,
  failures       double precision not null default 0,
  outcomes_at    bigint not null,
  maintenance    boolean not null default false,
  registered_at  bigint not null,
  last_seen      bigint not null,
  left_at        bigint
);

create table api_key (
  id          uuid primary key,
  name        text not null,
  role        text not null constraint api_key_role check (role in ('admin', 'client', 'agent')),
  tenant      text not null,
  hash        text not null unique,
  created_at  bigint not null,
  revoked_at  bigint
);
