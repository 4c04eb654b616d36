import type { RetryBudget, RetryPolicy } from "@muster/sdk/protocol";
import type { Statement } from "../../../ports/database.ts";

export interface RetryPolicyRow {
  tenant: string;
  capability: string;
  policy: RetryPolicy;
  budget: RetryBudget | null;
  set_at: number;
  set_by: string;
}

/** What is said of one capability behind the task itself. */
export interface RetryLevels {
  tenant: string;
  capability: string;
  agent_id: string;
  /** The operator's, for this tenant and for all. */
  own: RetryPolicy | null;
  common: RetryPolicy | null;
  /** The agent's, from its newest registration. */
  declared: RetryPolicy | null;
}

/** What operators and agents say of capabilities. $1 of: [{tenant, capability, agent_id}]. */
export const readRetryLevels: Statement<RetryLevels> = {
  name: "read_retry_levels",
  text: `
select i.tenant, i.capability, i.agent_id, own.policy as own, common.policy as common,
  (select c -> 'retry' from json_array_elements(a.capabilities) c where c ->> 'name' = i.capability limit 1) as declared
from json_to_recordset($1::json) as i(tenant text, capability text, agent_id text)
left join retry_policy own on own.tenant = i.tenant and own.capability = i.capability
left join retry_policy common on common.tenant = '*' and common.capability = i.capability
left join agent a on a.id = i.agent_id`,
};

/**
 * Notes how many attempts tasks have by a policy that they did not bring along, so that everybody sees the same
 * number. Never fewer than were begun. $1 tasks: [{id, granted}].
 */
export const grantAttempts: Statement = {
  name: "grant_attempts",
  text: `
update task t set attempts_granted = x.granted,
  max_attempts = greatest(t.attempt, t.max_attempts - t.attempts_granted + x.granted)
from json_to_recordset($1::json) as x(id uuid, granted int) where t.id = x.id`,
};

const columns = "tenant, capability, policy, budget, set_at, set_by";

/** Those for all tenants, and those of this one. $1 tenant (*: all). */
export const listRetryPolicies: Statement<RetryPolicyRow> = {
  name: "list_retry_policies",
  text: `
select ${columns} from retry_policy where $1 = '*' or tenant in ($1, '*') order by capability, tenant limit 10000`,
};

/** $1 tenant, $2 capability, $3 policy, $4 budget, $5 now, $6 by whom. */
export const setRetryPolicy: Statement<RetryPolicyRow> = {
  name: "set_retry_policy",
  text: `
with written as (
  insert into retry_policy (tenant, capability, policy, budget, set_at, set_by)
  values ($1, $2, $3::json, $4::json, $5::bigint, $6)
  on conflict (tenant, capability) do update set policy = excluded.policy, budget = excluded.budget,
    set_at = excluded.set_at, set_by = excluded.set_by
  returning ${columns}
), told as (
  insert into event (at, type, tenant, data)
  select set_at, 'retry_policy.set', tenant,
    json_build_object('capability', capability, 'policy', policy, 'budget', budget, 'by', set_by) from written
)
select ${columns} from written`,
};

/** $1 tenant, $2 capability, $3 now, $4 by whom. */
export const removeRetryPolicy: Statement<RetryPolicyRow> = {
  name: "remove_retry_policy",
  text: `
with gone as (
  delete from retry_policy where tenant = $1 and capability = $2 returning ${columns}
), told as (
  insert into event (at, type, tenant, data)
  select $3::bigint, 'retry_policy.removed', tenant, json_build_object('capability', capability, 'by', $4::text) from gone
)
select ${columns} from gone`,
};
