import { type AgentRegistration, type AgentStatus, limits } from "@muster/sdk/protocol";
import type { AgentRecord, AgentRegistry } from "../../ports/agent-registry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Database } from "../../ports/database.ts";
import type { Announce } from "../aftermath.ts";
import type { Settle } from "../completion/settle.ts";
import { noOutcomes } from "../discovery/health.ts";
import { isAway } from "../is-away.ts";
import { outlastTransactions } from "../queue/outlast-transactions.ts";
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
    await enter({
      id: agentId,
      name: registration.name,
      ...(registration.version === undefined ? {} : { version: registration.version }),
      type: registration.type ?? "custom",
      description: registration.description ?? "",
      capabilities: registration.capabilities,
      maxConcurrency: registration.maxConcurrency ?? 1,
      metadata: registration.metadata ?? {},
      tenant,
      status: remembered?.maintenance ? "maintenance" : "available",
      load: 0,
      outcomes:
        remembered === undefined
          ? noOutcomes(now)
          : { successes: remembered.successes, failures: remembered.failures, at: remembered.outcomes_at },
      registeredAt: now,
      lastSeen: now,
      expiresAt: now + leaseMs,
    });
    deps.onJoined();
  }

  /** Puts an agent with its leases: those of an earlier life, or of the time before the registry was emptied. */
  async function enter(record: AgentRecord): Promise<void> {
    const before = await heldBy(record.id);
    await registry.put(record, before);
    // Tasks may have been settled or claimed between the look and the put, so it takes a second look.
    const after = await heldBy(record.id);
    const slotsOf = (taskIds: string[]) => taskIds.map((taskId) => ({ agentId: record.id, taskId }));
    const [ended, begun] = [without(before, after), without(after, before)];
    if (ended.length > 0) await registry.release(slotsOf(ended));
    if (begun.length > 0) await registry.restore(slotsOf(begun));
  }

  const heldBy = async (agentId: string): Promise<string[]> =>
    (await database.query(listHeldBy, [agentId, limits.agentConcurrency])).map((task) => task.id);

  /** Removes an agent and takes its tasks back. Doing it twice does nothing. */
  async function leave(agentId: string, how: "left" | "lost"): Promise<void> {
    const gone = await registry.remove(agentId);
    if (gone === undefined) return;
    await bury(gone, how);
    await takeBack([agentId], how);
  }

  async function bury(agent: AgentRecord, how: "left" | "lost"): Promise<void> {
    const { successes, failures, at } = agent.outcomes;
    const event = how === "left" ? "agent.left" : "agent.expired";
    await database.query(agentLeft, [agent.id, clock.now(), event, successes, failures, at, agent.lastSeen]);
    deps.announce({});
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
        orphans.map(({ id, token, agent_id }) =>
          settle({ taskId: id, token, agentId: agent_id, outcome: { status: "failed", error } }),
        ),
      );
      taken += verdicts.filter((verdict) => verdict.accepted).length;
      if (orphans.length < orphansPerRound) return taken;
    }
  }

  return {
    join,
    leave,
    takeBack,
    /**
     * A sign of life. False: unknown, it must register again. While the registry is away agents live on: what counts are
     * their leases, and these are in the database.
     */
    async heartbeat(agent: AgentRecord, status: AgentStatus | undefined): Promise<boolean> {
      const now = clock.now();
      const kept = agent.status === "maintenance" ? "maintenance" : (status ?? agent.status);
      const answer = await registry
        .heartbeat(agent.id, now, now + leaseMs, kept)
        .catch((error: unknown) => (isAway(error) ? "away" : Promise.reject(error)));
      if (answer === "lost") {
        // Claims that had their slots before the registry was emptied may be under way, and their leases not to be seen.
        await outlastTransactions(database, clock);
        await enter({ ...agent, status: kept, lastSeen: now, expiresAt: now + leaseMs });
      }
      if (answer === "lost" || (answer === "alive" && agent.status !== kept)) deps.onJoined();
      return answer !== "unknown";
    },
    /**
     * Agents whose heartbeat stopped. Their tasks come back when their leases end, and not before: an agent that could
     * not reach the registry for a while may well have renewed them.
     */
    async expire(): Promise<void> {
      for (const agent of await registry.takeExpired(clock.now())) await bury(agent, "lost");
    },
    async setStatus(agent: AgentRecord, status: "available" | "maintenance"): Promise<void> {
      await database.query(setMaintenance, [agent.id, status === "maintenance"]);
      const now = clock.now();
      const expiresAt = Math.max(agent.expiresAt, now);
      const answer = await registry.heartbeat(agent.id, now, expiresAt, status);
      if (answer === "lost") await enter({ ...agent, status, expiresAt });
      if (status === "available") deps.onJoined();
    },
  };
}

export type AgentLife = ReturnType<typeof createAgentLife>;

const without = (some: readonly string[], others: readonly string[]): string[] => {
  const left = new Set(some);
  for (const other of others) left.delete(other);
  return [...left];
};
