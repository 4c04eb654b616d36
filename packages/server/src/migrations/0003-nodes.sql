-- The nodes that work on this database, for operators. Nothing else depends on it: a node that is not listed works
-- all the same, and one that is gone is listed for half a minute at most.
create table node (
  id          uuid primary key,
  name        text not null,
  -- Where others reach it; null for one that does not listen.
  url         text,
  version     text not null,
  started_at  bigint not null,
  last_seen   bigint not null
);
