import type { Breaker } from "@muster/sdk/protocol";
import type { AgentService, BreakerService, Principal } from "../core/orchestrator.ts";

/** A breaker that nothing has happened to. */
export const fakeBreaker = (overrides: Partial<Breaker> = {}): Breaker => ({
  agentId: "r-1",
  agent: "reviewer",
  state: "closed",
  failures: 0,
  timeouts: 0,
  openings: 0,
  changedAt: null,
  retryAt: null,
  probing: false,
  cause: null,
  by: null,
  reason: null,
  ...overrides,
});

/** Breakers of fake agents. They move by hand only. */
export function createFakeBreakers(agents: AgentService): BreakerService {
  const moved = new Map<string, Partial<Breaker>>();

  async function get(agentId: string, principal: Principal): Promise<Breaker> {
    const { id, name } = await agents.get(agentId, principal);
    return fakeBreaker({ agentId: id, agent: name, ...moved.get(id) });
  }

  return {
    get,
    async list({ state }, principal) {
      const all = await Promise.all(
        (await agents.list({}, principal)).map((agent) => get(agent.id, principal)),
      );
      return all.filter((breaker) => state === undefined || breaker.state === state);
    },
    async open(agentId, { reason, forMs }, principal) {
      const retryAt = forMs === undefined ? null : new Date(Date.now() + forMs).toISOString();
      moved.set(agentId, { state: "open", cause: "operator", by: principal.name, reason, retryAt });
      return get(agentId, principal);
    },
    async close(agentId, { reason = null }, principal) {
      moved.set(agentId, { by: principal.name, reason });
      return get(agentId, principal);
    },
  };
}
