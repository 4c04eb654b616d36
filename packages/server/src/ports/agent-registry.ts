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

/**
 * Short-lived knowledge of who is there and how busy. Shared by all nodes; emptied, it fills itself again
 * through heartbeats and reconciliation with the database. Records that it hands out are read only and keep
 * what was true at that moment: whoever counts on one copies it first.
 */
export interface AgentRegistry {
  /** Adds an agent or replaces what is known of it; its reserved slots stay. */
  put(record: AgentRecord): Promise<void>;
  /** Prolongs an agent's life and never shortens it. False where it is not known: it must register again. */
  heartbeat(agentId: string, seenAt: number, expiresAt: number, status: AgentStatus): Promise<boolean>;
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
  release(slots: readonly Slot[]): Promise<void>;
  /** Every slot that is reserved now. */
  reserved(): Promise<Slot[]>;
  close(): Promise<void>;
}
