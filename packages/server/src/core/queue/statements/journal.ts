import type { Statement } from "../../../ports/database.ts";

/** What earlier attempts recorded, in the order of recording. $1 task ids. */
export const readJournals: Statement<{ task_id: string; key: string; value: unknown }> = {
  name: "read_journals",
  text: `
select task_id, key, value from journal where task_id = any ($1::uuid[]) order by task_id, at, key`,
};

/**
 * Records finished steps, each only under its task's live lease; the first value of a key stays.
 * $1 entries: [{task_id, token, key, value}], $2 now, $3 how many entries a task may have.
 * Answers which were under a live lease, and how many entries the task had before.
 */
export const writeJournal: Statement<{ task_id: string; token: string; entries: number }> = {
  name: "write_journal",
  text: `
with incoming as materialized (
  select * from json_to_recordset($1::json) as x(task_id uuid, token uuid, key text, value json)
), live as materialized (
  select t.id, t.lease_token,
    (select count(*)::int from journal j where j.task_id = t.id) as entries
  from task t
  where t.id in (select task_id from incoming) and t.status in ('in_progress', 'waiting', 'ready')
  order by t.id for share of t
), written as (
  insert into journal (task_id, key, value, at)
  select i.task_id, i.key, i.value, $2::bigint
  from incoming i join live l on l.id = i.task_id and l.lease_token = i.token and l.entries < $3
  on conflict (task_id, key) do nothing
)
select id as task_id, lease_token as token, entries from live`,
};

/** $1 task, $2 key. */
export const readJournalEntry: Statement<{ value: unknown }> = {
  name: "read_journal_entry",
  text: `select value from journal where task_id = $1 and key = $2`,
};

/** Records which sub-tasks a delegation created; the caller holds the parent's lock. $1 task, $2 key, $3 value, $4 now. */
export const recordDelegation: Statement = {
  name: "record_delegation",
  text: `insert into journal (task_id, key, value, at) values ($1, $2, $3::json, $4::bigint)`,
};
