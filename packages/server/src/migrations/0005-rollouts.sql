-- Rollouts: tasks of one capability are shared out between two versions of agents. Tasks of other capabilities have
-- null in all that is added to them, and are in none of these indexes.

alter table agent add column version text;

-- What keeps tasks on one side, where the submission says it; else their run does, else each is alone.
alter table task add column rollout_key text;
-- The rollout in which the present attempt was begun, and its side: 'baseline', 'candidate' or 'shadow'.
alter table task add column rollout_id uuid;
alter table task add column rollout_side text;
alter table attempt add column rollout_id uuid;
alter table attempt add column rollout_side text;

create index task_rollout on task (rollout_id, rollout_side, ended_at, id) where rollout_id is not null;
create index attempt_rollout on attempt (rollout_id, rollout_side, ended_at) where rollout_id is not null;

create table rollout (
  id               uuid primary key,
  -- Whose tasks; * for everybody's.
  tenant           text not null,
  capability       text not null,
  candidate        json not null,
  -- Null: all that is not the candidate.
  baseline         json,
  steps            json not null,
  step             integer not null,
  rollback         json not null,
  comparison       text,
  shadow_tasks     integer not null,
  when_away        text not null constraint rollout_when_away check (when_away in ('baseline', 'wait')),
  status           text not null constraint rollout_status check (status in
    ('running', 'promoted', 'rolled_back', 'aborted')),
  -- Whether it says who gets tasks. One that ended does so until it is cleared or another one starts.
  holds            boolean not null,
  cause            json,
  started_by       text not null,
  created_at       bigint not null,
  step_started_at  bigint not null,
  -- When the step may be over by its time alone; null once that was looked at.
  due_at           bigint,
  ended_at         bigint,
  constraint rollout_final check ((status <> 'running') = (ended_at is not null)),
  constraint rollout_running_holds check (status <> 'running' or holds)
);
create unique index rollout_holding on rollout (tenant, capability) where holds;
create index rollout_due on rollout (due_at) where due_at is not null;

-- Tasks that the candidate did once more. `verdict`: null until it is known.
create table rollout_shadow (
  rollout_id     uuid not null references rollout (id) on delete cascade,
  -- The task whose result counts.
  task_id        uuid not null,
  task_ended_at  bigint not null,
  shadow_id      uuid not null,
  -- The task of the comparison capability, where there is one.
  comparison_id  uuid,
  verdict        text constraint rollout_shadow_verdict check (verdict in ('equal', 'different', 'failed')),
  difference     json,
  made_at        bigint not null,
  primary key (rollout_id, task_id)
);
create index rollout_shadow_open on rollout_shadow (rollout_id, shadow_id) where verdict is null;
