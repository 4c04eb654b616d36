import type { AgentRecord, AgentRegistry, Slot } from "../../../ports/agent-registry.ts";

interface Entry {
  record: AgentRecord;
  /** Tasks that hold a slot; their number is the agent's load. */
  tasks: Set<string>;
}

/**
 * The registry of an embedded orchestrator, a map in memory. Every call does its work before it first yields, so
 * none sees another half done. Agents count their slots by task, so that reserving or releasing twice is harmless.
 */
export function createInMemoryRegistry(): AgentRegistry {
  const entries = new Map<string, Entry>();

  // Copies, because records are the caller's to change.
  const view = ({ record, tasks }: Entry): AgentRecord => ({ ...record, load: tasks.size });

  const reserveOne = ({ agentId, taskId }: Slot, now: number): boolean => {
    const entry = entries.get(agentId);
    if (!entry || entry.record.expiresAt <= now) return false;
    if (entry.tasks.has(taskId)) return true;
    if (entry.tasks.size >= entry.record.maxConcurrency) return false;
    entry.tasks.add(taskId);
    return true;
  };

  return {
    async put(record) {
      const tasks = entries.get(record.id)?.tasks ?? new Set<string>();
      entries.set(record.id, { record: { ...record }, tasks });
    },
    async heartbeat(agentId, seenAt, expiresAt, status) {
      const record = entries.get(agentId)?.record;
      if (!record) return false;
      record.lastSeen = Math.max(record.lastSeen, seenAt);
      record.expiresAt = expiresAt;
      record.status = status;
      return true;
    },
    async recordOutcome(agentId, outcomes) {
      const record = entries.get(agentId)?.record;
      if (record) record.outcomes = { ...outcomes };
    },
    async remove(agentId) {
      const entry = entries.get(agentId);
      entries.delete(agentId);
      return entry && view(entry);
    },
    async get(agentId) {
      const entry = entries.get(agentId);
      return entry && view(entry);
    },
    async list(now) {
      return [...entries.values()].filter(({ record }) => record.expiresAt > now).map(view);
    },
    async takeExpired(now) {
      const expired = [...entries.values()].filter(({ record }) => record.expiresAt <= now);
      for (const { record } of expired) entries.delete(record.id);
      return expired.map(view);
    },
    async reserve(slots, now) {
      return slots.map((slot) => reserveOne(slot, now));
    },
    async release(slots) {
      for (const { agentId, taskId } of slots) entries.get(agentId)?.tasks.delete(taskId);
    },
    async reserved() {
      return [...entries].flatMap(([agentId, { tasks }]) =>
        [...tasks].map((taskId) => ({ agentId, taskId })),
      );
    },
    async close() {
      entries.clear();
    },
  };
}
