import { type AgentRegistration, type AgentStatus, limits } from "@muster/sdk/protocol";
import type { AgentRecord, AgentRegistry } from "../../ports/agent-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Announce } from "../aftermath.ts";
import type { Settle } from "../completion/settle.ts";
import { noOutcomes } from "../discovery/health.ts";
import { agentJoined, agentLeft, setMaintenance } from "../queue/statements/agents.ts";
import { findOrphans, listHeldBy } from "../queue/statements/find-overdue.ts";
import { payloadText } from "../validate.ts";

export interface AgentLifeDependencies {
  database: Database;
  registry: AgentRegistry;
  clock: Clock;
  settle: Settle;
  announce: Announce;
  /** An agent that is silent for this long is taken for dead. */
  leaseMs: number;
  /** Called when somebody new could take work. */
  onJoined: () => void;
}

/** Orphaned tasks taken back at once. */
const orphansPerRound = 200;

/**
 * How agents come and go. The registry knows who is here now; the database remembers who ever was, and how
 * well they did. Whoever goes without finishing leaves tasks behind, and these go back to the queue.
 */
export function createAgentLife(deps: AgentLifeDependencies) {
  const { database, registry, clock, settle, leaseMs } = deps;

  async function join(agentId: string, registration: AgentRegistration, tenant: string): Promise<void> {
    const now = clock.now();
    const [remembered] = await database.query(agentJoined, [
      payloadText(
        { ...registration, id: agentId, tenant, description: registration.description ?? "" },
        "The registration",
      ),
      now,
    ]);
    const held = await database.query(listHeldBy, [agentId, limits.agentConcurrency]);
    const status = remembered?.maintenance ? "maintenance" : "available";
    await registry.put({
      id: agentId,
      name: registration.name,
      type: registration.type ?? "custom",
      description: registration.description ?? "",
      capabilities: registration.capabilities,
      maxConcurrency: registration.maxConcurrency ?? 1,
      metadata: registration.metadata ?? {},
      tenant,
      // Nobody may hand it anything before its leases from an earlier life are counted.
      status: held.length > 0 ? "offline" : status,
      load: 0,
      outcomes:
        remembered === undefined
          ? noOutcomes(now)
          : { successes: remembered.successes, failures: remembered.failures, at: remembered.outcomes_at },
      registeredAt: now,
      lastSeen: now,
      expiresAt: now + leaseMs,
    });
    if (held.length > 0) {
      const slots = held.map((task) => ({ agentId, taskId: task.id }));
      await registry.reserve(slots, now);
      await registry.heartbeat(agentId, now, now + leaseMs, status);
    }
    deps.onJoined();
  }

  /** Removes an agent and takes its tasks back. Doing it twice does nothing. */
  async function leave(agentId: string, how: "left" | "lost"): Promise<void> {
    const gone = await registry.remove(agentId);
    if (gone !== undefined) await bury(gone, how);
  }

  async function bury(agent: AgentRecord, how: "left" | "lost"): Promise<void> {
    const { successes, failures, at } = agent.outcomes;
    const event = how === "left" ? "agent.left" : "agent.expired";
    await database.query(agentLeft, [agent.id, clock.now(), event, successes, failures, at, agent.lastSeen]);
    deps.announce({});
    await takeBack([agent.id], how);
  }

  /** Ends the attempts of agents that are gone, so that others can try. */
  async function takeBack(agentIds: string[], how: "left" | "lost"): Promise<number> {
    let taken = 0;
    for (;;) {
      const orphans = await database.query(findOrphans, [agentIds, orphansPerRound]);
      const error =
        how === "left"
          ? { code: "agent_left", message: "The agent left before it finished." }
          : { code: "agent_lost", message: "The agent was not heard of any more." };
      const verdicts = await Promise.all(
        orphans.map(({ id, token }) => settle({ taskId: id, token, outcome: { status: "failed", error } })),
      );
      taken += verdicts.filter((verdict) => verdict.accepted).length;
      if (orphans.length < orphansPerRound) return taken;
    }
  }

  return {
    join,
    leave,
    takeBack,
    /** A sign of life. False: unknown, it must register again. */
    async heartbeat(agent: AgentRecord, status: AgentStatus | undefined): Promise<boolean> {
      const now = clock.now();
      const kept = agent.status === "maintenance" ? "maintenance" : (status ?? agent.status);
      const known = await registry.heartbeat(agent.id, now, now + leaseMs, kept);
      if (known && agent.status !== kept) deps.onJoined();
      return known;
    },
    /** Agents whose heartbeat stopped. */
    async expire(): Promise<void> {
      for (const agent of await registry.takeExpired(clock.now())) await bury(agent, "lost");
    },
    async setStatus(agent: AgentRecord, status: "available" | "maintenance"): Promise<void> {
      await database.query(setMaintenance, [agent.id, status === "maintenance"]);
      const now = clock.now();
      await registry.heartbeat(agent.id, now, Math.max(agent.expiresAt, now), status);
      if (status === "available") deps.onJoined();
    },
  };
}

export type AgentLife = ReturnType<typeof createAgentLife>;
