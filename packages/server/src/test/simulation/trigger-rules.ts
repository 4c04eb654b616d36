import type { Statement } from "../../ports/database.ts";
import { triggeredCapability } from "./workflows.ts";
import type { World } from "./world.ts";

interface Broken {
  rule: string;
  detail: string;
  ids: string[];
}

/**
 * What the events say that triggers did, beside what happened. A trigger considers what was told behind the event of its
 * making in any case; one that somebody paused or let go on may have passed over events. $1 names of such, $2 the capability
 * of work that only triggers hand in.
 */
const broken: Statement<Broken> = {
  name: "sim_triggers",
  text: `
with made as (
  select (data ->> 'trigger')::uuid as id, min(seq) as seq from event where type = 'trigger.created' group by 1
), acts as (
  select (data ->> 'trigger')::uuid as id, data ->> 'name' as name, (data ->> 'event')::bigint as event, (data ->> 'id')::uuid as work
  from event where type in ('trigger.started', 'trigger.skipped')
), passed as (
  select t.id, t.name, e.seq, e.type from event_trigger t join made m on m.id = t.id
  join event e on e.seq > m.seq and e.seq <= t.position and e.tenant in (t.tenant, '*') and e.type = any (t.types)
  where t.name <> all ($1::text[])
), broken as (
  select 'an event fires a trigger once' as rule, format('%s acted %s times on event %s', name, count(*), event) as detail,
    array_remove(array_agg(work::text order by work), null) as ids
  from acts group by id, name, event having count(*) > 1
  union all
  select 'a trigger leaves no event out', format('%s passed event %s, %s, and did nothing', p.name, p.seq, p.type), '{}'
  from passed p where not exists (select from acts a where a.id = p.id and a.event = p.seq)
  union all
  select 'work of triggers is told', format('is in %s events of triggers', count(a.work)), array[k.id::text]
  from task k left join acts a on a.work = k.id where k.capability = $2 group by k.id having count(a.work) <> 1
  union all
  select 'nothing lost', format('was started by %s and is not there', a.name), array[a.work::text]
  from acts a where a.work is not null and not exists (select from task k where k.id = a.work)
)
select rule, detail, ids from broken order by rule, detail`,
};

/** What must hold of triggers at every moment, whatever goes wrong. */
export async function checkTriggers({ database, promises, violate }: World): Promise<void> {
  const touched = [...promises.touchedTriggers];
  for (const { rule, detail, ids } of await database.query(broken, [touched, triggeredCapability]))
    violate({ rule, detail, taskIds: ids });
}
