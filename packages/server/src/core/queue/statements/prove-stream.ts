import type { Statement } from "../../../ports/database.ts";

/** Whose words they are that come under a lease. $1 task, $2 token. */
export const proveStream: Statement<{ run_id: string | null; agent_id: string }> = {
  name: "prove_stream",
  text: `
select run_id, agent_id from task
where id = $1 and lease_token = $2 and status in ('in_progress', 'waiting', 'ready')`,
};
