import { type Agent, type AgentType, type Capability, limits, MusterError } from "@muster/sdk/protocol";
import type { AgentRecord, AgentRegistry } from "../../ports/agent-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { AgentLife } from "../gateway/agent-life.ts";
import type { AgentFilter, AgentService, Principal } from "../orchestrator.ts";
import { personAsAgent } from "../people/person-as-agent.ts";
import { absentAgents } from "../queue/statements/agents.ts";
import { listPeople } from "../queue/statements/people.ts";
import type { Breakers } from "../resilience/breakers.ts";
import { isoTime } from "../task-view.ts";
import { findAmong, textsOf } from "./find-among.ts";
import { healthScore } from "./health.ts";
import type { SimilaritiesTo } from "./meanings-of-texts.ts";
import { compareAgents, type DiscoveryPolicy, matches, obstacle } from "./rank.ts";

/** Agents shown that are not here any more. */
const mostAbsent = 200;

export interface AgentServiceDependencies {
  database: Database;
  registry: AgentRegistry;
  clock: Clock;
  life: AgentLife;
  policy: DiscoveryPolicy;
  breakers: Pick<Breakers, "of">;
  similaritiesTo: SimilaritiesTo;
}

/** Agents for whoever asks: who is there, what they can do, how they are. */
export function createAgentService(deps: AgentServiceDependencies): AgentService {
  const { database, registry, clock, life, policy, breakers, similaritiesTo } = deps;

  const visible = (agent: AgentRecord, principal: Principal): boolean =>
    principal.tenant === "*" || agent.tenant === "*" || agent.tenant === principal.tenant;

  async function find(id: string, principal: Principal): Promise<AgentRecord> {
    const agent = await registry.get(id);
    if (agent === undefined || !visible(agent, principal)) {
      throw new MusterError("not_found", `There is no live agent ${id}.`, {
        hint: "See them with: muster agents",
      });
    }
    return agent;
  }

  function view(agent: AgentRecord): Agent {
    const full = agent.load >= agent.maxConcurrency && agent.status === "available";
    return {
      id: agent.id,
      name: agent.name,
      ...(agent.version === undefined ? {} : { version: agent.version }),
      type: agent.type,
      description: agent.description,
      capabilities: agent.capabilities,
      status: full ? "busy" : agent.status,
      load: agent.load,
      maxConcurrency: agent.maxConcurrency,
      healthScore: Math.round(healthScore(agent.outcomes, clock.now()) * 1000) / 1000,
      breaker: breakers.of(agent.id)?.state ?? "closed",
      lastSeen: isoTime(agent.lastSeen),
      metadata: agent.metadata,
    };
  }

  async function absent(principal: Principal): Promise<Agent[]> {
    const rows = await database.query(absentAgents, [principal.tenant, mostAbsent]);
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      ...(row.version === null ? {} : { version: row.version }),
      type: row.type as AgentType,
      description: row.description,
      capabilities: row.capabilities as Capability[],
      status: "offline",
      load: 0,
      maxConcurrency: row.max_concurrency,
      healthScore:
        Math.round(
          healthScore(
            { successes: row.successes, failures: row.failures, at: row.outcomes_at },
            clock.now(),
          ) * 1000,
        ) / 1000,
      breaker: breakers.of(row.id)?.state ?? "closed",
      lastSeen: isoTime(row.last_seen),
      metadata: row.metadata as Record<string, unknown>,
    }));
  }

  /** People are agents without a process: there by their working hours. None where it is asked who could take a task now. */
  async function people(filter: AgentFilter, principal: Principal): Promise<Agent[]> {
    const asksForFree = filter.minHealthScore !== undefined || filter.maxLoadRatio !== undefined;
    if (asksForFree || (filter.tools ?? []).length > 0) return [];
    const rows = await database.query(listPeople, [principal.tenant, limits.peoplePerTenant]);
    return rows
      .filter(({ name }) => filter.name === undefined || filter.name === name)
      .filter(({ skills }) => filter.capability === undefined || skills.includes(filter.capability))
      .map((row) => personAsAgent(row, clock.now()));
  }

  /** Only with a bound given: who could take a task now. */
  function couldWork(agent: AgentRecord, filter: AgentFilter): boolean {
    if (filter.minHealthScore === undefined && filter.maxLoadRatio === undefined) return true;
    const bounds = {
      minHealthScore: filter.minHealthScore ?? policy.minHealthScore,
      maxLoadRatio: filter.maxLoadRatio ?? policy.maxLoadRatio,
    };
    return obstacle(agent, bounds, clock.now(), breakers.of(agent.id)) === null;
  }

  /** Those who fit the words, by these and by meaning, best first. */
  async function bestFor(query: string, agents: readonly Agent[]): Promise<Agent[]> {
    const similarities = await similaritiesTo(query, textsOf(agents, { query }));
    return findAmong(agents, { query }, similarities).map(({ agent }) => agent);
  }

  return {
    async list(filter, principal) {
      const now = clock.now();
      const route = {
        capability: filter.capability ?? null,
        agent: filter.name ?? null,
        tools: filter.tools ?? [],
      };
      const live = (await registry.list(now))
        .filter((agent) => visible(agent, principal) && matches(agent, route) && couldWork(agent, filter))
        .sort((a, b) => compareAgents(a, b, route.capability, now))
        .map(view);
      const here = [...live, ...(await people(filter, principal))];
      const all = filter.status === "offline" ? [...here, ...(await absent(principal))] : here;
      const wanted =
        filter.status === undefined ? all : all.filter((agent) => agent.status === filter.status);
      return filter.query === undefined ? wanted : bestFor(filter.query, wanted);
    },
    get: async (id, principal) => view(await find(id, principal)),
    async setStatus(id, status, principal) {
      if (principal.role !== "admin")
        throw new MusterError("forbidden", "Only an admin may change an agent's status.");
      await life.setStatus(await find(id, principal), status);
      return view(await find(id, principal));
    },
  };
}
