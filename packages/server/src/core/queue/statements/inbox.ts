import type { Statement } from "../../../ports/database.ts";

/** An item of the inbox with its task. A task that agents could do as well has no row of its own until a person takes it. */
export interface ItemRow {
  task_id: string;
  tenant: string;
  status: string;
  delayed: boolean;
  route: string;
  capability: string | null;
  requested_agent: string | null;
  priority: number;
  input: unknown;
  run_id: string | null;
  parent_id: string | null;
  created_at: number;
  agent_name: string | null;
  kind: "question" | "approval" | "task";
  gate: boolean;
  question: string | null;
  schema: Record<string, unknown> | boolean | null;
  /** The default answer as the only element; null: none. */
  fallback: [unknown] | null;
  to_person: string | null;
  to_capability: string | null;
  escalate_person: string | null;
  escalate_capability: string | null;
  escalated: boolean;
  declined: string[];
  claimed_by: string | null;
  claimed_until: number | null;
  plain_route: string | null;
  remind_ms: number | null;
  reminders: number;
  remind_at: number | null;
  escalate_at: number | null;
  expires_at: number | null;
  answered_by: string | null;
  answered_at: number | null;
}

const columns = `t.id as task_id, t.tenant, t.status, t.delayed, t.route, t.capability, t.requested_agent, t.priority, t.input,
  t.run_id, t.parent_id, t.created_at, t.agent_name, coalesce(i.kind, 'task') as kind, coalesce(i.gate, false) as gate,
  i.question, i.schema, i.fallback, i.to_person, i.to_capability, i.escalate_person, i.escalate_capability,
  coalesce(i.escalated, false) as escalated, coalesce(i.declined, '{}') as declined, i.claimed_by, i.claimed_until,
  i.plain_route, i.remind_ms, coalesce(i.reminders, 0) as reminders, i.remind_at, i.escalate_at, i.expires_at,
  i.answered_by, i.answered_at`;

/** Questions to people, written with their tasks. $1 items. */
export const addItems: Statement = {
  name: "add_inbox_items",
  text: `
insert into inbox_item (task_id, tenant, kind, gate, question, schema, fallback, to_person, to_capability, escalate_person,
  escalate_capability, remind_ms, remind_at, escalate_at, expires_at, due_at)
select task_id, tenant, kind, gate, question, schema, fallback, to_person, to_capability, escalate_person,
  escalate_capability, remind_ms, remind_at, escalate_at, expires_at, least(remind_at, escalate_at, expires_at)
from json_to_recordset($1::json) as x(task_id uuid, tenant text, kind text, gate boolean, question text, schema json,
  fallback json, to_person text, to_capability text, escalate_person text, escalate_capability text, remind_ms bigint,
  remind_at bigint, escalate_at bigint, expires_at bigint)`,
};

/** How many questions a task has asked. $1 task. */
export const countQuestions: Statement<{ asked: number }> = {
  name: "count_questions",
  text: `
select count(*)::int as asked from task t join inbox_item i on i.task_id = t.id where t.parent_id = $1`,
};

/**
 * While people are asked, time stands still: the timeouts of a task that waits for them, and of all above it, move behind
 * the last moment at which an answer may come. Those that go on have their timeout anew. $1 task, $2 levels.
 */
export const holdTimeouts: Statement<{ id: string }> = {
  name: "hold_timeouts",
  text: `
with recursive asked as materialized (
  select max(i.expires_at) as until from dependency d join inbox_item i on i.task_id = d.depends_on
  where d.task_id = $1 and d.kind = 'wait'
), up as (
  select id, parent_id, 1 as level from task where id = $1
  union all
  select t.id, t.parent_id, up.level + 1 from up join task t on t.id = up.parent_id where up.level <= $2
), locked as materialized (
  select t.id, a.until, t.status = 'waiting' as parked from up join task t on t.id = up.id, asked a
  where a.until is not null and t.timeout_at is not null and t.status in ('in_progress', 'waiting', 'ready')
  order by t.id for update of t
)
update task t set timeout_at = greatest(t.timeout_at, l.until + t.timeout_ms),
  lease_until = case when l.parked then least(greatest(t.timeout_at, l.until + t.timeout_ms), t.deadline_at)
    else t.lease_until end
from locked l where t.id = l.id
returning t.id`,
};

/** Holds tasks as they are, before their items are read: in a statement of its own, so that these are seen as they are now. $1 ids. */
export const lockItemTasks: Statement<{ id: string }> = {
  name: "lock_item_tasks",
  text: `select id from task where id = any ($1::uuid[]) order by id for update`,
};

/** $1 ids. */
export const readItems: Statement<ItemRow> = {
  name: "read_inbox_items",
  text: `
select ${columns} from task t left join inbox_item i on i.task_id = t.id where t.id = any ($1::uuid[]) order by t.id`,
};

/**
 * What is open and may be seen, oldest first: items, and ready tasks on the routes of people's capabilities.
 * $1 tenant (*: all), $2 person (null: everything), $3 its capabilities, $4 routes, $5 run, $6 parent, $7 behind this id, $8 how many.
 */
export const listItems: Statement<ItemRow> = {
  name: "list_inbox_items",
  text: `
with open as (
  select i.task_id as id from inbox_item i join task t on t.id = i.task_id
  where ($1 = '*' or i.tenant = $1) and t.status = 'ready' and not t.delayed and ($7::uuid is null or t.id > $7::uuid)
    and ($2::text is null or (not ($2 = any (i.declined)) and (
      (i.kind <> 'task' and i.to_person is null and i.to_capability is null) or i.to_person = $2 or i.to_capability = any ($3::text[])
      or (i.kind = 'task' and (i.claimed_by = $2 or (i.to_person is null and i.to_capability is null
        and (t.capability = any ($3::text[]) or t.requested_agent = $2))))
      or (i.escalated and (i.escalate_person = $2 or i.escalate_capability = any ($3::text[]))))))
  union
  select t.id from task t
  where t.route = any ($4::text[]) and t.status = 'ready' and not t.delayed and ($1 = '*' or t.tenant = $1)
    and ($7::uuid is null or t.id > $7::uuid)
    and not exists (select from inbox_item i where i.task_id = t.id)
)
select ${columns} from open o join task t on t.id = o.id left join inbox_item i on i.task_id = t.id
where ($5::uuid is null or t.run_id = $5::uuid) and ($6::uuid is null or t.parent_id = $6::uuid)
order by t.id limit $8`,
};

/** Items with a time that has come. $1 now, $2 how many. */
export const findDueItems: Statement<{ task_id: string }> = {
  name: "find_due_inbox_items",
  text: `select task_id from inbox_item where due_at <= $1 order by due_at, task_id limit $2`,
};

/**
 * Writes items as they are after what was done, where a task goes by, who does it, and the events. The caller holds the
 * tasks. $1 items, $2 events: [{type, task_id, data}], $3 now.
 */
export const saveItems: Statement = {
  name: "save_inbox_items",
  text: `
with incoming as materialized (
  select * from json_to_recordset($1::json) as x(task_id uuid, tenant text, kind text, route text, to_person text,
    to_capability text, escalated boolean, declined text[], claimed_by text, claimed_until bigint, plain_route text,
    reminders int, remind_at bigint, escalate_at bigint, expires_at bigint, due_at bigint, answered_by text, answered_at bigint)
), saved as (
  insert into inbox_item as i (task_id, tenant, kind, to_person, to_capability, escalated, declined, claimed_by, claimed_until,
    plain_route, reminders, remind_at, escalate_at, expires_at, due_at, answered_by, answered_at)
  select task_id, tenant, kind, to_person, to_capability, escalated, coalesce(declined, '{}'), claimed_by, claimed_until,
    plain_route, reminders, remind_at, escalate_at, expires_at, due_at, answered_by, answered_at
  from incoming order by task_id
  on conflict (task_id) do update set to_person = excluded.to_person, to_capability = excluded.to_capability,
    escalated = excluded.escalated, declined = excluded.declined, claimed_by = excluded.claimed_by,
    claimed_until = excluded.claimed_until, plain_route = excluded.plain_route, reminders = excluded.reminders,
    remind_at = excluded.remind_at, escalate_at = excluded.escalate_at, expires_at = excluded.expires_at,
    due_at = excluded.due_at, answered_by = excluded.answered_by, answered_at = excluded.answered_at
), moved as (
  update task t set route = i.route, agent_name = coalesce(i.answered_by, t.agent_name),
    started_at = case when i.claimed_by is null and i.answered_by is null then t.started_at else coalesce(t.started_at, $3::bigint) end
  from incoming i where t.id = i.task_id and t.status = 'ready'
)
insert into event (at, type, task_id, run_id, tenant, data)
select $3::bigint, x.type, t.id, t.run_id, t.tenant, x.data
from json_to_recordset($2::json) as x(type text, task_id uuid, data json) join task t on t.id = x.task_id
order by t.id`,
};
