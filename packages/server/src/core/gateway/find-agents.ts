import {
  type AgentSearch,
  type Capability,
  type FoundAgent,
  limits,
  type MeasuredTasks,
} from "@muster/sdk/protocol";
import type { AgentRecord, AgentRegistry } from "../../ports/agent-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import { rankByWords, stemsOf } from "../discovery/rank-by-words.ts";
import { findLeaseTenant } from "../queue/statements/find-lease-tenant.ts";
import { type MeasuredRow, measureCapabilities } from "../queue/statements/measure-capabilities.ts";
import { leaseLost } from "./lease-lost.ts";
import type { Handlers } from "./operations.ts";

interface Finding {
  database: Database;
  registry: Pick<AgentRegistry, "list">;
  clock: Clock;
}

const defaultFound = 10;
/** Tasks of the store that are looked at for what they took. */
const mostMeasured = 5_000;

interface Offer {
  agent: AgentRecord;
  capabilities: { capability: Capability; score: number }[];
}

/**
 * Agents that an agent may hand work to, while it works on a task: those that take tasks of the tenant whose task it is,
 * whoever the asking agent works for otherwise.
 */
export function createFindAgents({ database, registry, clock }: Finding): Handlers["findAgents"] {
  return async ({ agent }, { taskId, leaseToken, ...search }) => {
    const [lease] = await database.query(findLeaseTenant, [taskId, leaseToken, agent.id]);
    if (lease === undefined) throw leaseLost(taskId);
    const live = await registry.list(clock.now());
    const reachable = live.filter(({ tenant }) => tenant === "*" || tenant === lease.tenant);
    const limit = Math.min(search.limit ?? defaultFound, limits.agentsFound);
    const agents = findAmong(reachable, search).slice(0, limit);
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
function withEstimates(offer: Offer, measured: ReadonlyMap<string, MeasuredTasks>): FoundAgent {
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

/** Best first; nobody who has nothing in common with the words. */
export function findAmong(agents: readonly AgentRecord[], { query, capability }: AgentSearch): Offer[] {
  const offers = agents
    .map((agent) => ({ agent, capabilities: agent.capabilities.filter((c) => isWanted(c, capability)) }))
    .filter(({ capabilities }) => capabilities.length > 0 || capability === undefined);
  const texts = offers.flatMap(({ agent, capabilities }) =>
    capabilities.map((each) => describe(agent, each)),
  );
  const scores = query === undefined ? texts.map(() => 0) : rankByWords(query, texts);
  const stems = new Set(stemsOf(query ?? ""));
  let next = 0;
  const scored = offers.map(({ agent, capabilities }) => ({
    agent,
    capabilities: capabilities
      .map((each) => ({ capability: each, score: scores[next++]! + scoreOfName(agent, stems) }))
      .sort((a, b) => b.score - a.score || compareTexts(a.capability.name, b.capability.name)),
  }));
  const found = query === undefined ? scored : scored.filter((offer) => bestOf(offer) > 0);
  return found.sort(
    (a, b) =>
      bestOf(b) - bestOf(a) || loadOf(a.agent) - loadOf(b.agent) || compareTexts(a.agent.id, b.agent.id),
  );
}

const isWanted = ({ name }: Capability, wanted: string | undefined): boolean =>
  wanted === undefined || name === wanted;

const describe = ({ description }: AgentRecord, capability: Capability): string =>
  `${capability.name} ${capability.description ?? ""} ${description}`;

/** What a word of the query in the agent's name counts: names tell little of what an agent can do. */
const nameWeight = 0.5;

const scoreOfName = ({ name }: AgentRecord, stems: ReadonlySet<string>): number =>
  stemsOf(name).some((stem) => stems.has(stem)) ? nameWeight : 0;

const bestOf = ({ capabilities }: Offer): number => capabilities[0]?.score ?? 0;
const loadOf = ({ load, maxConcurrency }: AgentRecord): number => load / Math.max(1, maxConcurrency);
const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Metadata is the operator's business; what work costs is told to those who ask for it. */
function view({ agent, capabilities }: Offer): FoundAgent {
  const { id, name, type, description, status, load, maxConcurrency } = agent;
  const isFull = status === "available" && load >= maxConcurrency;
  return {
    id,
    name,
    type,
    description,
    status: isFull ? "busy" : status,
    capabilities: capabilities.map(({ capability: { inputSchema, outputSchema, ...each } }) => ({
      name: each.name,
      ...(each.description === undefined ? {} : { description: each.description }),
      ...(inputSchema === undefined ? {} : { inputSchema }),
      ...(outputSchema === undefined ? {} : { outputSchema }),
    })),
  };
}
