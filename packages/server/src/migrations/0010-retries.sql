-- What a submission says of its retries, as it said it; null: nothing. The four columns before it are filled by their
-- defaults from here on, for nodes of the version before, and read by nobody else.
alter table task add column retry json;
alter table task alter column retry_delay_ms set default 2000;
alter table task alter column retry_factor set default 2;
alter table task alter column retry_max_ms set default 60000;
alter table task alter column retry_jitter set default 0.2;
update task set retry = json_build_object('maxAttempts', attempts_granted, 'delayMs', retry_delay_ms,
  'factor', retry_factor, 'maxDelayMs', retry_max_ms, 'jitter', round(retry_jitter::numeric, 3))
where status not in ('completed', 'cancelled')
  and (attempts_granted, retry_delay_ms, retry_factor, retry_max_ms, retry_jitter) is distinct from (4, 2000, 2, 60000, 0.2::real);

-- True for a delayed retry that the retry budget of its capability has yet to let through. Where it has to wait for
-- the budget, it has no time of its own: `ready_at` is null.
alter table task add column retry_gated boolean;
create index task_gated on task (tenant, capability, ready_at nulls first, id) where retry_gated;

-- When a task became a dead letter: it failed for good, by itself, and nobody has seen to it. Null for all others.
alter table task add column dead_at bigint;
create index task_dead on task (dead_at, id) where dead_at is not null;

-- What operators say of a capability. Tenant '*': for all tenants that have nothing of their own.
create table retry_policy (
  tenant      text not null,
  capability  text not null,
  policy      json not null,
  budget      json,
  set_at      bigint not null,
  set_by      text not null,
  primary key (tenant, capability)
);

-- What is left of a capability's retries. There from its first retry on, gone when nothing has happened for long.
create table retry_budget (
  tenant      text not null,
  capability  text not null,
  -- Retries saved up from those per minute, and those earned by completed tasks, as they were at `at`.
  saved       double precision not null,
  earned      double precision not null,
  at          bigint not null,
  -- When the next of the retries that wait can go; null while none waits.
  due_at      bigint,
  primary key (tenant, capability)
);
create index retry_budget_due on retry_budget (due_at) where due_at is not null;
