import { type AgentSearch, type Capability, type FoundAgent, limits } from "@muster/sdk/protocol";
import type { AgentRecord, AgentRegistry } from "../../ports/agent-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import { rankByWords, stemsOf } from "../discovery/rank-by-words.ts";
import { findLeaseTenant } from "../queue/statements/find-lease-tenant.ts";
import { leaseLost } from "./lease-lost.ts";
import type { Handlers } from "./operations.ts";

interface Finding {
  database: Database;
  registry: Pick<AgentRegistry, "list">;
  clock: Clock;
}

const defaultFound = 10;

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
    return { agents: findAmong(reachable, search).slice(0, limit).map(view) };
  };
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

/** Metadata and costs are the operator's business. */
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
