import type { Statement } from "../../../ports/database.ts";

/** Remembers a registration; answers what is known of the agent from earlier. $1 registration, $2 now. */
export const agentJoined: Statement<{
  successes: number;
  failures: number;
  outcomes_at: number;
  maintenance: boolean;
}> = {
  name: "agent_joined",
  text: `
with joined as (
  insert into agent as a (id, name, tenant, type, description, capabilities, max_concurrency, metadata, outcomes_at,
    registered_at, last_seen, version)
  select x.id, x.name, x.tenant, coalesce(x.type, 'custom'), x.description, x.capabilities, coalesce(x."maxConcurrency", 1),
    coalesce(x.metadata, '{}'), $2::bigint, $2::bigint, $2::bigint, x.version
  from json_to_record($1::json) as x(id text, name text, tenant text, type text, description text, capabilities json,
    "maxConcurrency" int, metadata json, version text)
  on conflict (id) do update set name = excluded.name, type = excluded.type, description = excluded.description,
    capabilities = excluded.capabilities, max_concurrency = excluded.max_concurrency, metadata = excluded.metadata,
    last_seen = excluded.last_seen, version = excluded.version, left_at = null
  returning id, name, tenant, successes, failures, outcomes_at, maintenance
), told as (
  insert into event (at, type, agent_id, tenant, data)
  select $2::bigint, 'agent.registered', id, tenant, json_build_object('name', name) from joined
)
select successes, failures, outcomes_at, maintenance from joined`,
};

/** $1 agent, $2 now, $3 event type, $4 successes, $5 failures, $6 their time, $7 last seen. */
export const agentLeft: Statement = {
  name: "agent_left",
  text: `
with gone as (
  update agent set left_at = $2::bigint, successes = $4, failures = $5, outcomes_at = $6::bigint, last_seen = $7::bigint
  where id = $1 and left_at is null
  returning id, name, tenant
)
insert into event (at, type, agent_id, tenant, data)
select $2::bigint, $3, id, tenant, json_build_object('name', name) from gone`,
};

/** $1 agent, $2 whether. */
export const setMaintenance: Statement = {
  name: "set_maintenance",
  text: `update agent set maintenance = $2 where id = $1`,
};

/** Agents that are not here now, newest first. $1 tenant (*: all), $2 how many. */
export const absentAgents: Statement<{
  id: string;
  name: string;
  type: string;
  description: string;
  capabilities: unknown;
  max_concurrency: number;
  metadata: unknown;
  successes: number;
  failures: number;
  outcomes_at: number;
  last_seen: number;
  version: string | null;
}> = {
  name: "absent_agents",
  text: `
select id, name, type, description, capabilities, max_concurrency, metadata, successes, failures, outcomes_at, last_seen, version
from agent where left_at is not null and ($1 = '*' or tenant = $1 or tenant = '*')
order by last_seen desc, id limit $2`,
};
