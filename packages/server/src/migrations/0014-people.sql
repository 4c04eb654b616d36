-- People are agents without a process: what is for them waits in an inbox.

create table person (
  id             uuid primary key,
  tenant         text not null,
  name           text not null,
  description    text not null,
  capabilities   json not null,
  -- The names of the capabilities, for the search of what somebody may answer.
  skills         text[] not null,
  -- When they are at work: {timezone, days, from, to}. Null: always.
  hours          json,
  registered_at  bigint not null,
  constraint person_name unique (tenant, name)
);

-- A key with which a person acts. No foreign key: the key of somebody who is gone is good for nothing.
alter table api_key add column person_id uuid;

-- What people need to know of a task that is for them. Whether it is open is the task's to say: it is while the task is
-- ready, and so ends with whatever ends the task.
create table inbox_item (
  task_id             uuid primary key references task (id) on delete cascade,
  tenant              text not null,
  kind                text not null constraint inbox_item_kind check (kind in ('question', 'approval', 'task')),
  -- A no, or no answer, cancels it, so that what depends on it never runs.
  gate                boolean not null default false,
  question            text,
  schema              json,
  -- Taken as the answer where nobody gave one in time, as JSON text in an array. Null: it fails then.
  fallback            json,
  to_person           text,
  to_capability       text,
  escalate_person     text,
  escalate_capability text,
  escalated           boolean not null default false,
  declined            text[] not null default '{}',
  claimed_by          text,
  claimed_until       bigint,
  -- Of a task that agents could do as well: where it goes again when the claim ends.
  plain_route         text,
  remind_ms           bigint,
  reminders           integer not null default 0,
  remind_at           bigint,
  escalate_at         bigint,
  expires_at          bigint,
  -- The next of these times.
  due_at              bigint,
  answered_by         text,
  answered_at         bigint,
  constraint inbox_item_claimed check ((claimed_by is null) = (claimed_until is null)),
  constraint inbox_item_answered check ((answered_by is null) = (answered_at is null))
);
create index inbox_item_tenant on inbox_item (tenant, task_id);
create index inbox_item_due on inbox_item (due_at, task_id) where due_at is not null;
