import type { AgentRecord, AgentRegistry, Slot } from "../../ports/agent-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import { parseRoute, type Route } from "../queue/route.ts";
import { withOutcome } from "./health.ts";
import { compareAgents, type DiscoveryPolicy, freeSlots, matches, obstacle } from "./rank.ts";

/** How much one route can take on now, and for whom. */
export interface RouteCapacity {
  route: string;
  /** Null: tasks of every tenant; else only of these. */
  tenants: string[] | null;
  free: number;
}

/** A picture of who could work at one moment; choosing from it counts against it. */
export interface Roster {
  capacity(route: string): RouteCapacity;
  /** Takes the best agent for a task of this route, or none. `preferred` is taken if it has a slot at all. */
  choose(route: string, tenant: string, preferred: string | null): AgentRecord | null;
}

/**
 * ④ discover: finds agents by capability and ranks them. The registry says who lives and how busy they are;
 * reserving there is atomic, so a picture that is a moment old can cost a second try but never overbook.
 */
export function createDirectory(registry: AgentRegistry, clock: Clock, policy: DiscoveryPolicy) {
  const unlearned = new Map<string, boolean[]>();
  let learning = false;

  async function roster(): Promise<Roster> {
    const now = clock.now();
    const usable = (await registry.list(now)).filter((agent) => obstacle(agent, policy, now) === null);
    const seats = new Map(usable.map((agent) => [agent.id, { ...agent }]));
    const parsed = new Map<string, { route: Route; agents: AgentRecord[] }>();

    function lookUp(key: string) {
      const known = parsed.get(key);
      if (known !== undefined) return known;
      const route = parseRoute(key);
      const found = { route, agents: [...seats.values()].filter((agent) => matches(agent, route)) };
      parsed.set(key, found);
      return found;
    }

    return {
      capacity(key) {
        const { agents } = lookUp(key);
        const open = agents.some((agent) => agent.tenant === "*" && freeSlots(agent, policy) > 0);
        return {
          route: key,
          tenants: open ? null : [...new Set(agents.map((agent) => agent.tenant))],
          free: agents.reduce((sum, agent) => sum + freeSlots(agent, policy), 0),
        };
      },
      choose(key, tenant, preferred) {
        const { route, agents } = lookUp(key);
        let best: AgentRecord | null = null;
        for (const agent of agents) {
          if (agent.load >= agent.maxConcurrency || (agent.tenant !== "*" && agent.tenant !== tenant))
            continue;
          if (agent.id === preferred) {
            best = agent;
            break;
          }
          if (freeSlots(agent, policy) === 0) continue;
          if (best === null || compareAgents(agent, best, route.capability, now) < 0) best = agent;
        }
        if (best !== null) best.load += 1;
        return best;
      },
    };
  }

  return {
    roster,
    reserve: (slots: readonly Slot[]) => registry.reserve(slots, clock.now()),
    release: (slots: readonly Slot[]) => registry.release(slots),
    /** Learns from a real outcome of an agent. */
    recordOutcome(agentId: string, success: boolean): void {
      const outcomes = unlearned.get(agentId);
      if (outcomes !== undefined) outcomes.push(success);
      else unlearned.set(agentId, [success]);
      if (!learning) void learn();
    },
  };

  /** Takes in what has gathered, agent by agent, so that no outcome overwrites another. */
  async function learn(): Promise<void> {
    learning = true;
    await Promise.resolve();
    for (const [agentId, outcomes] of unlearned) {
      unlearned.delete(agentId);
      const agent = await registry.get(agentId);
      if (agent === undefined) continue;
      const now = clock.now();
      const weights = outcomes.reduce((sum, success) => withOutcome(sum, success, now), agent.outcomes);
      await registry.recordOutcome(agentId, weights);
    }
    learning = false;
  }
}

export type Directory = ReturnType<typeof createDirectory>;
