import { type FoundAgent, limits, type MeasuredTasks } from "@muster/sdk/protocol";
import type { AgentRecord, AgentRegistry } from "../../ports/agent-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import { findAmong, type Offer, textsOf } from "../discovery/find-among.ts";
import type { SimilaritiesTo } from "../discovery/meanings-of-texts.ts";
import { findLeaseTenant } from "../queue/statements/find-lease-tenant.ts";
import { type MeasuredRow, measureCapabilities } from "../queue/statements/measure-capabilities.ts";
import { leaseLost } from "./lease-lost.ts";
import type { Handlers } from "./operations.ts";

interface Finding {
  database: Database;
  registry: Pick<AgentRegistry, "list">;
  clock: Clock;
  similaritiesTo: SimilaritiesTo;
}

const defaultFound = 10;
/** Tasks of the store that are looked at for what they took. */
const mostMeasured = 5_000;

/**
 * Agents that an agent may hand work to, while it works on a task: those that take tasks of the tenant whose task it is,
 * whoever the asking agent works for otherwise.
 */
export function createFindAgents({
  database,
  registry,
  clock,
  similaritiesTo,
}: Finding): Handlers["findAgents"] {
  return async ({ agent }, { taskId, leaseToken, ...search }) => {
    const [lease] = await database.query(findLeaseTenant, [taskId, leaseToken, agent.id]);
    if (lease === undefined) throw leaseLost(taskId);
    const live = await registry.list(clock.now());
    const reachable = live.filter(({ tenant }) => tenant === "*" || tenant === lease.tenant);
    const limit = Math.min(search.limit ?? defaultFound, limits.agentsFound);
    const { query } = search;
    const similarities = query === undefined ? null : await similaritiesTo(query, textsOf(reachable, search));
    const agents = findAmong(reachable, search, similarities).slice(0, limit);
    if (search.estimates !== true) return { agents: agents.map(view) };
    const names = [...new Set(agents.flatMap((one) => one.capabilities.map((c) => c.capability.name)))];
    const rows = await database.query(measureCapabilities, [lease.tenant, names, mostMeasured]);
    const measured = new Map(rows.map((row) => [row.capability, measuredOf(row)]));
    return { agents: agents.map((offer) => withEstimates(offer, measured)) };
  };
}

const measuredOf = ({ tasks, duration_ms, cost }: MeasuredRow): MeasuredTasks => ({
  tasks,
  meanDurationMs: Math.max(0, Math.round(duration_ms)),
  meanCostMicros: cost === null ? null : Math.round(cost),
});

/** With what an agent says of its work, and what came of it. */
function withEstimates(offer: Offer<AgentRecord>, measured: ReadonlyMap<string, MeasuredTasks>): FoundAgent {
  const agent = view(offer);
  const capabilities = agent.capabilities.map((shown, index) => {
    const { cost, meanDurationMs } = offer.capabilities[index]!.capability;
    const seen = measured.get(shown.name);
    return {
      ...shown,
      ...(cost === undefined ? {} : { cost }),
      ...(meanDurationMs === undefined ? {} : { meanDurationMs }),
      ...(seen === undefined ? {} : { measured: seen }),
    };
  });
  return { ...agent, capabilities };
}

/** Metadata is the operator's business; what work costs is told to those who ask for it. */
function view({ agent, capabilities }: Offer<AgentRecord>): FoundAgent {
  const { id, name, type, description, status, load, maxConcurrency } = agent;
  const isFull = status === "available" && load >= maxConcurrency;
  return {
    id,
    name,
    type,
    description,
    status: isFull ? "busy" : status,
    capabilities: capabilities.map(({ capability: { inputSchema, outputSchema, ...each }, score }) => ({
      name: each.name,
      ...(each.description === undefined ? {} : { description: each.description }),
      ...(inputSchema === undefined ? {} : { inputSchema }),
      ...(outputSchema === undefined ? {} : { outputSchema }),
      ...(score > 0 ? { score } : {}),
    })),
  };
}
