-- What a run, or a task and everything below it, may spend. Budgets nest: one that a task gives to its sub-task stands
-- under those that the task is under itself, and each of them is checked and charged. Whoever changes any budget of a
-- tree holds the lock of its root row.
create table budget (
  id                 uuid primary key,
  root_id            uuid not null,
  -- Itself and all above it, the root first.
  path               uuid[] not null,
  tenant             text not null,
  run_id             uuid,
  -- The task at the head of what it covers; null: the whole run.
  task_id            uuid,
  base_depth         smallint not null,
  on_reached         text not null constraint budget_on_reached check (on_reached in ('fail', 'pause', 'skip-rest')),
  -- Null: no limit. Money in millionths.
  money_limit        bigint,
  token_limit        bigint,
  time_ms            bigint,
  task_limit         integer,
  depth_limit        smallint,
  concurrency_limit  integer,
  money_spent        bigint not null default 0,
  token_spent        bigint not null default 0,
  -- For calls under way, at most.
  money_reserved     bigint not null default 0,
  token_reserved     bigint not null default 0,
  tasks_made         integer not null default 0,
  -- When its time is over; null while it stands still, and without a limit of time.
  ends_at            bigint,
  -- What was left of its time when it was reached.
  time_left_ms       bigint,
  reached            text constraint budget_reached check (reached in ('money', 'tokens', 'time', 'tasks')),
  reached_at         bigint,
  -- It was reached, and what follows from that has not been done.
  due                boolean not null default false,
  -- Of a root: tasks of the tree are held back until there is room.
  holding            boolean not null default false,
  created_at         bigint not null,
  constraint budget_amounts check (money_spent >= 0 and token_spent >= 0 and money_reserved >= 0 and token_reserved >= 0)
) with (fillfactor = 50);
create index budget_root on budget (root_id, id);
create index budget_ends on budget (ends_at, id) where ends_at is not null;
create index budget_due on budget (id) where due;
create index budget_holding on budget (id) where holding;

-- What agents said of their spending, each call under a key of its own. `open`: reserved, and not yet settled.
create table task_usage (
  task_id  uuid not null references task (id) on delete cascade,
  key      text not null,
  token    uuid not null,
  open     boolean not null,
  money    bigint not null,
  tokens   bigint not null,
  at       bigint not null,
  primary key (task_id, key)
);

-- The nearest budget that a task is under. A task that is held back is ready and delayed, and has no time.
alter table task add column budget_id uuid;
create index task_budget_active on task (budget_id) where budget_id is not null and status = 'in_progress';
create index task_budget_held on task (budget_id, route, priority desc, virtual_time, id)
  where budget_id is not null and status = 'ready' and delayed and ready_at is null;

alter table run add column budget_id uuid;
-- Its budget was reached, and it goes on when somebody says so.
alter table run add column paused_at bigint;
