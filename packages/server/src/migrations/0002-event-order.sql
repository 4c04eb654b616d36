-- Events get their number from a plain sequence, taken by a transaction that has its own number by then. So whoever
-- reads knows: an event that is numbered up to now and can't be seen yet belongs to a transaction that is under way
-- now, and once that has ended it can be seen or never will be.
create sequence event_number owned by event.seq;
select setval('event_number', last_value, is_called) from event_seq_seq;
alter table event alter column seq drop identity;
alter table event alter column seq set default
  case when pg_current_xact_id() is not null then nextval('event_number') end;
