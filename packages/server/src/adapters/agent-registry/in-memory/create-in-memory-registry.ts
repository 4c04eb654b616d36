import { MusterError } from "@muster/sdk/protocol";
import type { AgentRecord, AgentRegistry, Slot } from "../../../ports/agent-registry.ts";

/** Agents that one orchestrator keeps. */
const mostAgents = 10_000;

interface Entry {
  /** Frozen and replaced at every change, so that whoever was given it keeps what was true at that moment. */
  record: AgentRecord;
  /** Tasks that hold a slot. */
  tasks: Set<string>;
  /** Where its record stands on the roll. */
  place: number;
}

/**
 * The agent registry of an orchestrator that is a single process. It keeps no clock: agents expire by the
 * `now` that callers give. Records are handed out as they are kept, not copied, and are frozen: whoever wants
 * to change one copies it first. Every change is one synchronous step, which is what makes it atomic.
 */
export function createInMemoryRegistry(): AgentRegistry {
  const entries = new Map<string, Entry>();
  /** All records, kept so that listing them is copying one array; null when agents came or went. */
  let roll: AgentRecord[] | null = null;
  /** Nobody on the roll expires before this moment, and perhaps not at it. */
  let wholeUntil = Number.NEGATIVE_INFINITY;

  function change(entry: Entry, changes: Partial<AgentRecord>): void {
    entry.record = Object.freeze({ ...entry.record, ...changes });
    if (roll === null) return;
    roll[entry.place] = entry.record;
    wholeUntil = Math.min(wholeUntil, entry.record.expiresAt);
  }

  function callRoll(): AgentRecord[] {
    const called: AgentRecord[] = [];
    for (const entry of entries.values()) entry.place = called.push(entry.record) - 1;
    wholeUntil = earliestExpiry(called);
    return called;
  }

  function drop(agentId: string): AgentRecord | undefined {
    const record = entries.get(agentId)?.record;
    if (entries.delete(agentId)) roll = null;
    return record;
  }

  function reserve({ agentId, taskId }: Slot, now: number): boolean {
    const entry = entries.get(agentId);
    if (entry === undefined || isExpired(entry.record, now)) return false;
    if (entry.tasks.has(taskId)) return true;
    if (!(entry.tasks.size < entry.record.maxConcurrency)) return false;
    entry.tasks.add(taskId);
    change(entry, { load: entry.tasks.size });
    return true;
  }

  function refuseWhenFull(): void {
    if (entries.size < mostAgents) return;
    throw new MusterError(
      "limit_exceeded",
      `${mostAgents} agents are registered; there is no room for more.`,
      {
        hint: "Stop agents that are not needed, or wait until those that are gone have expired.",
      },
    );
  }

  return {
    async put(record) {
      const kept = detached(record);
      const known = entries.get(kept.id);
      if (known === undefined) refuseWhenFull();
      const entry: Entry = known ?? { record: kept, tasks: new Set(), place: 0 };
      if (known === undefined) {
        entries.set(kept.id, entry);
        roll = null;
      }
      change(entry, { ...kept, load: entry.tasks.size });
    },
    async heartbeat(agentId, seenAt, expiresAt, status) {
      const entry = entries.get(agentId);
      if (entry === undefined) return false;
      const { record } = entry;
      // Heartbeats can overtake each other; a late one must not shorten the life that a newer one gave.
      change(entry, {
        status,
        lastSeen: Math.max(record.lastSeen, seenAt),
        expiresAt: Math.max(record.expiresAt, expiresAt),
      });
      return true;
    },
    async recordOutcome(agentId, outcomes) {
      const entry = entries.get(agentId);
      if (entry !== undefined) change(entry, { outcomes: Object.freeze({ ...outcomes }) });
    },
    async remove(agentId) {
      return drop(agentId);
    },
    async get(agentId) {
      return entries.get(agentId)?.record;
    },
    async list(now) {
      roll ??= callRoll();
      if (now >= wholeUntil) wholeUntil = earliestExpiry(roll);
      return now < wholeUntil ? roll.slice() : roll.filter((record) => !isExpired(record, now));
    },
    async takeExpired(now) {
      const expired = Array.from(entries.values(), (entry) => entry.record).filter((record) =>
        isExpired(record, now),
      );
      for (const { id } of expired) drop(id);
      return expired;
    },
    async reserve(slots, now) {
      return slots.map((slot) => reserve(slot, now));
    },
    async release(slots) {
      for (const { agentId, taskId } of slots) {
        const entry = entries.get(agentId);
        if (entry?.tasks.delete(taskId)) change(entry, { load: entry.tasks.size });
      }
    },
    async reserved() {
      const slots: Slot[] = [];
      for (const [agentId, { tasks }] of entries) for (const taskId of tasks) slots.push({ agentId, taskId });
      return slots;
    },
    async close() {
      entries.clear();
      roll = null;
    },
  };
}

const isExpired = (record: AgentRecord, now: number): boolean => record.expiresAt <= now;

function earliestExpiry(records: readonly AgentRecord[]): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (const { expiresAt } of records) if (expiresAt < earliest) earliest = expiresAt;
  return earliest;
}

/** A copy that shares nothing with the caller, by way of JSON, as any registry beyond this process keeps it. */
const detached = (record: AgentRecord): AgentRecord => ({
  ...record,
  capabilities: JSON.parse(JSON.stringify(record.capabilities)),
  metadata: JSON.parse(JSON.stringify(record.metadata)),
  outcomes: Object.freeze({ ...record.outcomes }),
});
