import type { AgentStatus, AgentType, Capability } from "@muster/sdk/protocol";

/** Outcomes of an agent, weighed down as they age; `at` is when the weights were last brought up to date. */
export interface OutcomeWeights {
  successes: number;
  failures: number;
  at: number;
}

/** An agent as the orchestrator knows it while it lives. Times in milliseconds since the epoch. */
export interface AgentRecord {
  id: string;
  name: string;
  /** Left out where it names none. */
  version?: string;
  type: AgentType;
  description: string;
  capabilities: Capability[];
  maxConcurrency: number;
  metadata: Record<string, unknown>;
  /** Whose tasks it may see; `*` for everybody's. */
  tenant: string;
  status: AgentStatus;
  /** Slots reserved. Kept by the registry, whatever `put` says. */
  load: number;
  outcomes: OutcomeWeights;
  registeredAt: number;
  lastSeen: number;
  /** It is taken for dead from this moment on unless a heartbeat comes. */
  expiresAt: number;
}

export interface Slot {
  agentId: string;
  taskId: string;
}

/** A slot that goes from one task to another of the same agent. */
export interface Swap extends Slot {
  /** The task that had it. */
  insteadOf: string;
}

/**
 * What a heartbeat met. `unknown`: the agent was removed or never put, and must register again. `lost`: the registry
 * lost everything since the agent was put, and `get` still remembers it: whoever has its leases puts it again.
 */
export type HeartbeatAnswer = "alive" | "unknown" | "lost";

/**
 * Short-lived knowledge of who is there and how busy. Shared by all nodes; emptied, it fills itself again
 * through heartbeats, and each agent comes back together with the slots that its leases prove, so that none is
 * overbooked. Records that it hands out are read only and keep what was true at that moment: whoever counts on one
 * copies it first.
 *
 * `get` and `list` answer from this node's memory, which follows the others within milliseconds and shows this
 * node's own changes at once. They are hints: `reserve` decides. While the registry can't be reached they
 * answer what was known last, and everything else rejects with `unavailable`.
 */
export interface AgentRegistry {
  /**
   * Adds an agent or replaces what is known of it; its reserved slots stay. `held` are the tasks that it holds
   * by the database: each takes a slot in the same step, beyond `maxConcurrency` if it must.
   */
  put(record: AgentRecord, held?: readonly string[]): Promise<void>;
  /** Prolongs an agent's life and never shortens it. */
  heartbeat(
    agentId: string,
    seenAt: number,
    expiresAt: number,
    status: AgentStatus,
  ): Promise<HeartbeatAnswer>;
  recordOutcome(agentId: string, outcomes: OutcomeWeights): Promise<void>;
  /** Its slots go with it. */
  remove(agentId: string): Promise<AgentRecord | undefined>;
  get(agentId: string): Promise<AgentRecord | undefined>;
  /** Everyone who has not expired at `now`. Never an agent whose entry is gone. */
  list(now: number): Promise<AgentRecord[]>;
  /** Removes those who expired at `now` and returns each to exactly one caller. */
  takeExpired(now: number): Promise<AgentRecord[]>;
  /**
   * Reserves one slot per task, each atomically: never beyond an agent's `maxConcurrency`, however many
   * nodes ask at once; the same task on the same agent twice is one slot. Answers in order, false: no slot.
   */
  reserve(slots: readonly Slot[], now: number): Promise<boolean[]>;
  /** Takes slots that leases prove, of agents that are known, beyond `maxConcurrency` if it must. */
  restore(slots: readonly Slot[]): Promise<void>;
  release(slots: readonly Slot[]): Promise<void>;
  /**
   * Passes slots on, each in one step, so that nobody takes a slot in between. The new task gets one even where the
   * registry did not know of the old one (it was emptied): the agent holds it by its lease. Unknown agents are left out.
   */
  swap(swaps: readonly Swap[]): Promise<void>;
  /** Every slot that is reserved now. */
  reserved(): Promise<Slot[]>;
  close(): Promise<void>;
}
