import type { AgentStatus } from "@muster/sdk/protocol";
import type { AgentRecord, OutcomeWeights } from "../../../ports/agent-registry.ts";

/** What is known of an agent as scripts hand it out: id, profile, status, seen, expires, outcomes, load. */
export type Described = [
  id: string,
  profile: string,
  status: string,
  seen: string,
  expires: string,
  outcomes: string,
  load: string,
];

/** What stays the same from one registration to the next, as JSON. */
export function profileOf(record: AgentRecord): string {
  const { name, version, type, description, capabilities, maxConcurrency, metadata, tenant, registeredAt } =
    record;
  return JSON.stringify({
    name,
    version,
    type,
    description,
    capabilities,
    maxConcurrency,
    metadata,
    tenant,
    registeredAt,
  });
}

/** Null where a part of the record was evicted. */
export function recordOf([
  id,
  profile,
  status,
  seen,
  expires,
  outcomes,
  load,
]: Described): AgentRecord | null {
  if (!profile || !outcomes) return null;
  return {
    id,
    ...(JSON.parse(profile) as Omit<AgentRecord, "id">),
    status: status as AgentStatus,
    load: Number(load),
    outcomes: outcomesOf(outcomes),
    lastSeen: Number(seen),
    expiresAt: Number(expires),
  };
}

export const outcomesOf = (text: string): OutcomeWeights => Object.freeze(JSON.parse(text) as OutcomeWeights);
