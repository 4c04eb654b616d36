-- How many tasks were completed each day, and how many of them with people in them. It is kept for longer than the tasks.
-- Days are days since 1970-01-01 in UTC. A capability of '' is none: the tasks named an agent; '*' is all for which a day
-- had no room of their own.
create table autonomy_day (
  day          integer not null,
  tenant       text not null,
  capability   text not null,
  finished     bigint not null,
  with_people  bigint not null,
  primary key (day, tenant, capability),
  constraint autonomy_day_counts check (with_people >= 0 and with_people <= finished)
);

-- Events up to this one were counted. Whoever counts moves it in the same statement, so that each end counts once.
create table autonomy_mark (
  id        boolean primary key default true constraint autonomy_mark_one check (id),
  position  bigint not null
);
