import type { RetryPolicy } from "@muster/sdk/protocol";
import type { Statement } from "../../../ports/database.ts";

export interface LiveTask {
  id: string;
  /** The lease token that proved it. */
  token: string;
  status: string;
  tenant: string;
  route: string;
  capability: string | null;
  attempt: number;
  max_attempts: number;
  attempts_granted: number;
  retry: RetryPolicy | null;
  deadline_at: number | null;
  agent_id: string;
  agent_name: string;
  started_at: number;
  budget_id: string | null;
  /** Its attempt was told that a pausing budget is reached. */
  told_of_pause: boolean | null;
  /** Agents that it was taken from since their breakers were not closed. */
  fell_back: string[] | null;
  rollout_side: string | null;
}

/** Locks the tasks whose live lease the reports prove, so that nobody else moves them. $1 ids, $2 tokens. */
export const lockLive: Statement<LiveTask> = {
  name: "lock_live",
  text: `
select t.id, i.token, t.status, t.tenant, t.route, t.capability, t.attempt, t.max_attempts, t.attempts_granted, t.retry,
  t.deadline_at, t.agent_id, t.agent_name, t.started_at, t.budget_id, t.paused_lease = i.token as told_of_pause, t.fell_back, t.rollout_side
from unnest($1::uuid[], $2::uuid[]) as i(id, token)
join task t on t.id = i.id and t.lease_token = i.token
where t.status in ('in_progress', 'waiting', 'ready')
order by t.id
for update of t`,
};
