import type { Statement } from "../../../ports/database.ts";

export interface MeasuredRow {
  capability: string;
  tasks: number;
  duration_ms: number;
  /** Null where no task reported anything. */
  cost: number | null;
}

/**
 * What the newest tasks took and cost that completed for some capabilities: of the tenant $1 (`*`: of all), of the
 * capabilities $2, among the $3 newest tasks of the store, which are found by their ids.
 */
export const measureCapabilities: Statement<MeasuredRow> = {
  name: "measure_capabilities",
  text: `
with newest as (
  select id, tenant, capability, status, started_at, ended_at from task order by id desc limit $3
), done as (
  select id, capability, ended_at - started_at as took from newest
  where status = 'completed' and started_at is not null
    and ($1 = '*' or tenant = $1) and capability = any($2::text[])
), spent as (
  select u.task_id, sum(u.money) as money from task_usage u
  where u.task_id in (select id from done) and not u.open
  group by u.task_id
)
select d.capability, count(*)::integer as tasks, avg(d.took)::double precision as duration_ms,
  avg(s.money)::double precision as cost
from done d left join spent s on s.task_id = d.id
group by d.capability
order by d.capability`,
};
