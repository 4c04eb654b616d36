import type { Statement } from "../../../ports/database.ts";

/** Whose task it is that an agent holds under a live lease. $1 id, $2 token, $3 agent. */
export const findLeaseTenant: Statement<{ tenant: string }> = {
  name: "find_lease_tenant",
  text: `
select tenant from task
where id = $1::uuid and lease_token = $2::uuid and agent_id = $3 and status in ('in_progress', 'waiting', 'ready')`,
};
