-- The breaker of each agent whose breaker was ever moved. An agent without a row has one that is closed, and nothing is
-- held against it.
create table breaker (
  agent_id    text primary key,
  state       text not null constraint breaker_state check (state in ('closed', 'open', 'half_open')),
  -- Closed, and nothing is held against the agent: nobody needs to know of this row.
  pristine    boolean not null,
  -- Failures and time-outs in a row, and what else the state machine remembers.
  memory      json not null,
  openings    integer not null default 0,
  changed_at  bigint not null,
  -- Open: when the cool-down is over; null where it stays open until somebody closes it.
  retry_at    bigint,
  -- Half-open: the lease of the probe that is under way, and its task.
  probe       uuid,
  probe_task  uuid,
  cause       text,
  -- Who opened or closed it by hand, and why.
  set_by      text,
  reason      text,
  -- Grows with every change, so that a node knows which of two pictures is newer.
  version     integer not null default 0,
  updated_at  bigint not null,
  constraint breaker_retry check (state = 'open' or retry_at is null),
  constraint breaker_probe check ((probe is null) = (probe_task is null) and (state = 'half_open' or probe is null)),
  constraint breaker_pristine check (state = 'closed' or not pristine)
) with (fillfactor = 50);
create index breaker_due on breaker (retry_at) where state = 'open';
create index breaker_known on breaker (agent_id) where not pristine;

-- Agents whose breakers were open when they failed the task: it goes to others as long as there are any.
alter table task add column fell_back text[];
