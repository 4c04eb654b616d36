import type { Statement } from "../../../ports/database.ts";

/**
 * Of tasks named `done` (id, has_children), those with people in them: a person did it, one was asked by it or below it, or it stood
 * behind a step's approval. They are gone through from above, so that the work is as much as their sub-tasks are.
 */
const askedAmongDone = `
below(root, id, has_children) as (
  select n.id, t.id, t.has_children from done n cross join lateral (select id, has_children from task where parent_id = n.id offset 0) t where n.has_children
  union all
  select b.root, t.id, t.has_children from below b cross join lateral (select id, has_children from task where parent_id = b.id offset 0) t where b.has_children
), asked as materialized (
  select b.root as id from below b join inbox_item i on i.task_id = b.id
  where i.answered_by is not null or i.kind <> 'task'
  union
  select n.id from done n join inbox_item i on i.task_id = n.id and i.answered_by is not null
  union
  select n.id from done n cross join lateral (select depends_on from dependency where task_id = n.id and kind = 'need' offset 0) d
    join inbox_item i on i.task_id = d.depends_on and i.gate
)`;

/** A question is no task here, and neither is the shadow of one. */
const isTask = `t.rollout_side is distinct from 'shadow'
    and not exists (select from inbox_item i where i.task_id = t.id and i.kind <> 'task')`;

/**
 * Tasks that were completed since a moment, as far as they are kept, and those of them with people in them.
 * $1 tenant (*: all), $2 since.
 */
export const countAutonomy: Statement<{ finished: number; with_people: number; waiting: number }> = {
  name: "count_autonomy",
  text: `
with recursive done as materialized (
  select t.id, t.has_children from task t
  where t.status = 'completed' and t.ended_at >= $2::bigint and ($1 = '*' or t.tenant = $1) and ${isTask}
), ${askedAmongDone}
select (select count(*)::int from done) as finished, (select count(*)::int from asked) as with_people,
  (select count(*)::int from inbox_item i join task t on t.id = i.task_id
    where ($1 = '*' or i.tenant = $1) and t.status = 'ready' and i.kind <> 'task') as waiting`,
};

/** How far the events were counted; no row: nobody has counted yet. */
export const readAutonomyMark: Statement<{ position: number }> = {
  name: "read_autonomy_mark",
  text: "select position from autonomy_mark",
};

/** Counting begins with the oldest event that is kept. */
export const beginAutonomyMark: Statement = {
  name: "begin_autonomy_mark",
  text: "insert into autonomy_mark (position) values (0) on conflict (id) do nothing",
};

/** What one statement counted: tasks of one capability. */
export interface CountedDay {
  capability: string;
  finished: number;
  with_people: number;
}

/**
 * Counts the tasks that were completed according to the events behind the mark, by day, and moves the mark past them. Where
 * somebody else has moved it meanwhile nothing is counted, so neither nodes that do so at once nor an answer that was lost
 * count anything twice. A capability for which a day of a tenant has no room of its own counts as '*'.
 * Each task is looked up by its id (the limit sees to that): to read all of them for a thousand events would take too long.
 * $1 the mark, $2 up to this event, $3 how many numbers of events, $4 capabilities of a tenant and day.
 */
export const countAutonomyDays: Statement<{ position: number; counted: CountedDay[] }> = {
  name: "count_autonomy_days",
  text: `
with recursive chunk as materialized (
  select seq, at, type, task_id from event where seq > $1::bigint and seq <= least($2::bigint, $1::bigint + $3::bigint)
), moved as (
  update autonomy_mark set position = least($2::bigint, $1::bigint + $3::bigint)
  where position = $1::bigint
  returning position
), done as materialized (
  select t.id, t.has_children, t.tenant, (c.at / 86400000)::int as day, coalesce(t.capability, '') as capability
  from chunk c cross join lateral (select * from task where id = c.task_id limit 1) t
  where c.type = 'task.completed' and ${isTask}
), ${askedAmongDone}, sums as (
  select n.day, n.tenant, n.capability, count(*) as finished, count(a.id) as with_people
  from done n left join asked a on a.id = n.id
  group by n.day, n.tenant, n.capability
), ranked as (
  select s.*, k.capability is not null as has_room,
    row_number() over (partition by s.day, s.tenant, k.capability is null order by s.finished desc, s.capability) as place,
    (select count(*) from autonomy_day o where o.day = s.day and o.tenant = s.tenant and o.capability <> '*') as others
  from sums s left join autonomy_day k on k.day = s.day and k.tenant = s.tenant and k.capability = s.capability
), placed as (
  select day, tenant, case when has_room or others + place <= $4::int then capability else '*' end as capability,
    sum(finished)::bigint as finished, sum(with_people)::bigint as with_people
  from ranked group by 1, 2, 3
), kept as (
  insert into autonomy_day as d (day, tenant, capability, finished, with_people)
  select day, tenant, capability, finished, with_people from placed
  where exists (select from moved)
  order by day, tenant, capability
  on conflict (day, tenant, capability) do update
    set finished = d.finished + excluded.finished, with_people = d.with_people + excluded.with_people
)
select m.position, coalesce((select json_agg(json_build_object('capability', capability, 'finished', finished,
  'with_people', with_people) order by capability, day, tenant) from placed), '[]'::json) as counted
from moved m`,
};

export interface AutonomyRow {
  day: number | null;
  capability: string | null;
  finished: number;
  with_people: number;
}

const sums = "sum(finished)::bigint as finished, sum(with_people)::bigint as with_people";
const asked = "($1 = '*' or tenant = $1) and day > $2::int and ($3::text is null or capability = $3)";

/** Newest first. $1 tenant (*: all), $2 behind this day, $3 capability (null: all), $4 how many. */
export const readAutonomyByDay: Statement<AutonomyRow> = {
  name: "read_autonomy_by_day",
  text: `
select day, null as capability, ${sums} from autonomy_day where ${asked} group by day order by day desc limit $4`,
};

/** Those with the most tasks first. $1 tenant (*: all), $2 behind this day, $3 capability (null: all), $4 how many. */
export const readAutonomyByCapability: Statement<AutonomyRow> = {
  name: "read_autonomy_by_capability",
  text: `
select null as day, capability, ${sums} from autonomy_day where ${asked}
group by capability order by sum(finished) desc, capability limit $4`,
};

/** All of it in one. $1 tenant (*: all), $2 behind this day, $3 capability (null: all). */
export const readAutonomyTotal: Statement<AutonomyRow> = {
  name: "read_autonomy_total",
  text: `
select null as day, null as capability, coalesce(sum(finished), 0)::bigint as finished,
  coalesce(sum(with_people), 0)::bigint as with_people
from autonomy_day where ${asked}`,
};

/** $1 before this day, $2 how many. */
export const pruneAutonomy: Statement<{ day: number }> = {
  name: "prune_autonomy",
  text: `
delete from autonomy_day where (day, tenant, capability) in (
  select day, tenant, capability from autonomy_day where day < $1::int order by day, tenant, capability limit $2)
returning day`,
};
