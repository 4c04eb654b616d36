import type { AgentRecord, AgentRegistry, Slot } from "../../../ports/agent-registry.ts";
import { AgentRoll, isExpired } from "../agent-roll.ts";
import { mostAgents, tooManyAgents } from "../most-agents.ts";

/**
 * The agent registry of an orchestrator that is a single process. It keeps no clock: agents expire by the
 * `now` that callers give. Every change is one synchronous step, which is what makes it atomic.
 */
export function createInMemoryRegistry(): AgentRegistry {
  const roll = new AgentRoll();
  /** Tasks that hold a slot, by agent. */
  const tasksOf = new Map<string, Set<string>>();

  function drop(agentId: string): AgentRecord | undefined {
    tasksOf.delete(agentId);
    return roll.delete(agentId);
  }

  function take({ agentId, taskId }: Slot): void {
    const tasks = tasksOf.get(agentId);
    if (tasks !== undefined) roll.change(agentId, { load: tasks.add(taskId).size });
  }

  function reserve(slot: Slot, now: number): boolean {
    const record = roll.get(slot.agentId);
    const tasks = tasksOf.get(slot.agentId);
    if (record === undefined || tasks === undefined || isExpired(record, now)) return false;
    if (tasks.has(slot.taskId)) return true;
    if (!(tasks.size < record.maxConcurrency)) return false;
    take(slot);
    return true;
  }

  return {
    async put(record, held = []) {
      const kept = detached(record);
      const known = tasksOf.get(kept.id);
      if (known === undefined && roll.size >= mostAgents) throw tooManyAgents();
      const tasks = new Set([...(known ?? []), ...held]);
      tasksOf.set(kept.id, tasks);
      roll.set({ ...kept, load: tasks.size });
    },
    async heartbeat(agentId, seenAt, expiresAt, status) {
      const record = roll.get(agentId);
      if (record === undefined) return "unknown";
      // Heartbeats can overtake each other; a late one must not shorten the life that a newer one gave.
      roll.change(agentId, {
        status,
        lastSeen: Math.max(record.lastSeen, seenAt),
        expiresAt: Math.max(record.expiresAt, expiresAt),
      });
      return "alive";
    },
    async recordOutcome(agentId, outcomes) {
      roll.change(agentId, { outcomes: Object.freeze({ ...outcomes }) });
    },
    async remove(agentId) {
      return drop(agentId);
    },
    async get(agentId) {
      return roll.get(agentId);
    },
    async list(now) {
      return roll.list(now);
    },
    async takeExpired(now) {
      const expired = [...roll.records()].filter((record) => isExpired(record, now));
      for (const { id } of expired) drop(id);
      return expired;
    },
    async reserve(slots, now) {
      return slots.map((slot) => reserve(slot, now));
    },
    async restore(slots) {
      for (const slot of slots) take(slot);
    },
    async release(slots) {
      for (const { agentId, taskId } of slots) {
        const tasks = tasksOf.get(agentId);
        if (tasks?.delete(taskId)) roll.change(agentId, { load: tasks.size });
      }
    },
    async swap(swaps) {
      for (const { agentId, taskId, insteadOf } of swaps) {
        const tasks = tasksOf.get(agentId);
        tasks?.delete(insteadOf);
        const load = tasks?.add(taskId).size;
        if (load !== undefined && load !== roll.get(agentId)?.load) roll.change(agentId, { load });
      }
    },
    async reserved() {
      const slots: Slot[] = [];
      for (const [agentId, tasks] of tasksOf) for (const taskId of tasks) slots.push({ agentId, taskId });
      return slots;
    },
    async close() {
      tasksOf.clear();
      roll.clear();
    },
  };
}

/** A copy that shares nothing with the caller, by way of JSON, as any registry beyond this process keeps it. */
const detached = (record: AgentRecord): AgentRecord => ({
  ...record,
  capabilities: JSON.parse(JSON.stringify(record.capabilities)),
  metadata: JSON.parse(JSON.stringify(record.metadata)),
  outcomes: Object.freeze({ ...record.outcomes }),
});
