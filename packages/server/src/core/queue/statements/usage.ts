import type { Statement } from "../../../ports/database.ts";

export interface UsageOwner {
  id: string;
  budget_id: string | null;
  lease_token: string | null;
  status: string;
  calls: number;
}

/** The tasks that usage is reported of. Not locked: money that is gone counts, whatever becomes of the task. $1 tasks. */
export const readUsageOwners: Statement<UsageOwner> = {
  name: "read_usage_owners",
  text: `
select t.id, t.budget_id, t.lease_token, t.status,
  (select count(*)::int from task_usage u where u.task_id = t.id) as calls
from task t where t.id = any ($1::uuid[])`,
};

export interface UsageRow {
  task_id: string;
  key: string;
  token: string;
  open: boolean;
  money: number;
  tokens: number;
}

/** What was reported before, locked. $1 task ids, $2 keys. */
export const lockUsage: Statement<UsageRow> = {
  name: "lock_usage",
  text: `
select u.task_id, u.key, u.token, u.open, u.money, u.tokens
from unnest($1::uuid[], $2::text[]) as i(task_id, key) join task_usage u on u.task_id = i.task_id and u.key = i.key
order by u.task_id, u.key for update of u`,
};

/** $1 calls as rows, $2 now. What was settled before stays as it is. */
export const writeUsage: Statement = {
  name: "write_usage",
  text: `
insert into task_usage as u (task_id, key, token, open, money, tokens, at)
select x.task_id, x.key, x.token, x.open, x.money, x.tokens, $2::bigint
from json_to_recordset($1::json) as x(task_id uuid, key text, token uuid, open boolean, money bigint, tokens bigint)
order by x.task_id, x.key
on conflict (task_id, key) do update
  set token = excluded.token, open = excluded.open, money = excluded.money, tokens = excluded.tokens, at = excluded.at
  where u.open`,
};
