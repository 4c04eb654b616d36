import type { Statement } from "../../../ports/database.ts";

export interface LiveTask {
  id: string;
  /** The lease token that proved it. */
  token: string;
  status: string;
  attempt: number;
  max_attempts: number;
  retry_delay_ms: number;
  retry_factor: number;
  retry_max_ms: number;
  retry_jitter: number;
  deadline_at: number | null;
  agent_id: string;
  agent_name: string;
  started_at: number;
}

/** Locks the tasks whose live lease the reports prove, so that nobody else moves them. $1 ids, $2 tokens. */
export const lockLive: Statement<LiveTask> = {
  name: "lock_live",
  text: `
select t.id, i.token, t.status, t.attempt, t.max_attempts, t.retry_delay_ms, t.retry_factor, t.retry_max_ms, t.retry_jitter,
  t.deadline_at, t.agent_id, t.agent_name, t.started_at
from unnest($1::uuid[], $2::uuid[]) as i(id, token)
join task t on t.id = i.id and t.lease_token = i.token
where t.status in ('in_progress', 'waiting', 'ready')
order by t.id
for update of t`,
};
