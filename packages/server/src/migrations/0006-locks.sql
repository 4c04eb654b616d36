-- Locks that agents and programs take. A row stays for a while after its lock became free; what makes fences
-- monotone for ever is the sequence, from which every grant takes its number while it holds the row.
create sequence lock_fence;
create table lock (
  tenant       text not null,
  name         text not null,
  -- Of the newest grant; 0: never granted.
  fence        bigint not null default 0,
  -- Proves the grant; null: free.
  token        uuid,
  -- For people: who holds it.
  holder       text,
  -- Where an attempt at a task holds it: it is held only as long as that attempt is live.
  task_id      uuid,
  attempt      integer,
  acquired_at  bigint,
  expires_at   bigint,
  freed_at     bigint,
  primary key (tenant, name),
  constraint lock_held check ((token is null) = (expires_at is null) and (token is null) = (holder is null))
) with (fillfactor = 50);
create index lock_expiry on lock (expires_at) where token is not null;
create index lock_task on lock (task_id) where task_id is not null;

-- Who stands in line for a lock, in the order of tickets. Whoever adds or removes one holds the row of the lock.
create table lock_waiter (
  tenant     text not null,
  name       text not null,
  token      uuid not null,
  ticket     bigint generated always as identity,
  holder     text not null,
  task_id    uuid,
  attempt    integer,
  ttl_ms     bigint not null,
  -- Not heard of again by then: it has gone away.
  until      bigint not null,
  primary key (tenant, name, token)
);
create index lock_waiter_until on lock_waiter (until);
create index lock_waiter_task on lock_waiter (task_id) where task_id is not null;

-- The task took or takes locks: whoever ends its attempt lets those go on who wait for them.
alter table task add column has_locks boolean;
