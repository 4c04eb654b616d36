import { priorities } from "@muster/sdk/protocol";
import type { AgentRecord } from "../../ports/agent-registry.ts";
import type { Route } from "../queue/route.ts";
import type { ReadyTask } from "../queue/statements/peek-ready.ts";
import { compareAgents, type DiscoveryPolicy, freeSlots, matches } from "./rank.ts";
import type { Takers } from "./route-takers.ts";

export interface ChoiceDependencies {
  /** Everybody who is here, busy or not. */
  live: readonly AgentRecord[];
  policy: DiscoveryPolicy;
  now: number;
  /** Whether an agent may work at all, however busy it is. */
  isFit: (agent: AgentRecord) => boolean;
  /** Whether the next task of an agent is the probe of its breaker. */
  isProbed: (agentId: string) => boolean;
}

/**
 * Which of the agents that have room gets a task. Breakers have a say in it twice: an agent that is to be probed comes
 * first, so that it is found out soon how it is, but last for a task that is urgent; and a task that fell back from an
 * agent does not go there again while there is any other that is fit, be it busy.
 */
export function createChoice({ live, policy, now, isFit, isProbed }: ChoiceDependencies) {
  const serves = (agent: AgentRecord, tenant: string): boolean =>
    agent.tenant === "*" || agent.tenant === tenant;

  /** Those of the agents to avoid that there is somebody to replace for; none where all others are out. */
  function avoided({ avoid, tenant }: ReadyTask, { route, mayTake }: Takers): readonly string[] {
    if (avoid === null) return [];
    const isAnother = (agent: AgentRecord) =>
      !avoid.includes(agent.id) && matches(agent, route, tenant) && mayTake(agent) && isFit(agent);
    return live.some(isAnother) ? avoid : [];
  }

  function compare(a: AgentRecord, b: AgentRecord, task: ReadyTask, route: Route): number {
    const first = Number(isProbed(b.id)) - Number(isProbed(a.id));
    const urgent = task.priority > priorities.medium;
    return (urgent ? -first : first) || compareAgents(a, b, route.capability, now);
  }

  return function choose(task: ReadyTask, takers: Takers): AgentRecord | null {
    const { route, agents } = takers;
    const others = avoided(task, takers);
    let best: AgentRecord | null = null;
    for (const agent of agents) {
      if (agent.load >= agent.maxConcurrency || !serves(agent, task.tenant) || others.includes(agent.id))
        continue;
      if (agent.id === task.preferred_agent) return agent;
      if (freeSlots(agent, policy) === 0) continue;
      if (best === null || compare(agent, best, task, route) < 0) best = agent;
    }
    return best;
  };
}
