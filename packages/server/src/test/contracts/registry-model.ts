import fc from "fast-check";
import type { AgentRecord, AgentRegistry, HeartbeatAnswer, Slot, Swap } from "../../ports/agent-registry.ts";

/** When the histories begin. Far ahead, so that no store that keeps a clock of its own takes an agent for dead. */
export const start = Date.UTC(2030, 0, 1);

export const agent = (id: string, changes: Partial<AgentRecord> = {}): AgentRecord => ({
  id,
  name: `${id}-name`,
  type: "custom",
  description: "Tests.",
  capabilities: [{ name: "review", tools: ["git"], cost: 0.01 }],
  maxConcurrency: 2,
  metadata: { region: "eu" },
  tenant: "acme",
  status: "available",
  load: 0,
  outcomes: { successes: 3, failures: 1, at: start },
  registeredAt: start,
  lastSeen: start,
  expiresAt: start + 30_000,
  ...changes,
});

/** One call that changes a registry. */
export type Change =
  | { kind: "put"; record: AgentRecord; held: string[] }
  | { kind: "heartbeat"; agentId: string; now: number; expiresAt: number }
  | { kind: "remove"; agentId: string }
  | { kind: "takeExpired"; now: number }
  | { kind: "reserve"; slots: Slot[]; now: number }
  | { kind: "restore"; slots: Slot[] }
  | { kind: "release"; slots: Slot[] }
  | { kind: "swap"; swaps: Swap[] };

const agentId = fc.constantFrom("a", "b", "c");
/** Times close enough to each other to meet. */
const time = fc.integer({ min: 0, max: 100 }).map((ms) => start + ms);
const taskId = fc.constantFrom("1", "2", "3", "4", "5");
/** Mostly none, as in life. */
const held = fc.oneof(
  { weight: 4, arbitrary: fc.constant<string[]>([]) },
  { weight: 1, arbitrary: fc.array(taskId) },
);
const slots = fc.array(fc.record({ agentId, taskId }), {
  minLength: 1,
  maxLength: 5,
});
const record = fc
  .tuple(agentId, fc.integer({ min: 1, max: 4 }), time)
  .map(([id, maxConcurrency, expiresAt]) => agent(id, { maxConcurrency, expiresAt }));

const swaps = fc.array(fc.record({ agentId, taskId, insteadOf: taskId }), { minLength: 1, maxLength: 3 });

/** Histories of calls on three agents and five tasks. Most of them reserve, as in life. */
export const histories: fc.Arbitrary<Change[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("put" as const), record, held }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("heartbeat" as const), agentId, now: time, expiresAt: time }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const), agentId }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("takeExpired" as const), now: time }) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("reserve" as const), slots, now: time }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("restore" as const), slots }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("release" as const), slots }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("swap" as const), swaps }) },
  ),
  { minLength: 1, maxLength: 40 },
);

export function apply(change: Change, to: AgentRegistry | RegistryModel) {
  switch (change.kind) {
    case "put":
      return to.put(change.record, change.held);
    case "heartbeat":
      return to.heartbeat(change.agentId, change.now, change.expiresAt, "available");
    case "remove":
      return to.remove(change.agentId);
    case "takeExpired":
      return to.takeExpired(change.now);
    case "reserve":
      return to.reserve(change.slots, change.now);
    case "restore":
      return to.restore(change.slots);
    case "release":
      return to.release(change.slots);
    case "swap":
      return to.swap(change.swaps);
  }
}

/** What a registry means, as plainly as it can be said: two lists, and the load counted whenever it is asked for. */
export class RegistryModel {
  #agents: AgentRecord[] = [];
  #slots: Slot[] = [];

  put(record: AgentRecord, held: readonly string[] = []): void {
    this.#agents = [...this.#agents.filter(({ id }) => id !== record.id), record];
    this.restore(held.map((taskId) => ({ agentId: record.id, taskId })));
  }

  heartbeat(
    agentId: string,
    seenAt: number,
    expiresAt: number,
    status: AgentRecord["status"],
  ): HeartbeatAnswer {
    const known = this.#agents.find(({ id }) => id === agentId);
    if (known === undefined) return "unknown";
    this.put({
      ...known,
      status,
      lastSeen: Math.max(known.lastSeen, seenAt),
      expiresAt: Math.max(known.expiresAt, expiresAt),
    });
    return "alive";
  }

  remove(agentId: string): AgentRecord | undefined {
    const gone = this.get(agentId);
    this.#agents = this.#agents.filter(({ id }) => id !== agentId);
    this.#slots = this.#slots.filter((slot) => slot.agentId !== agentId);
    return gone;
  }

  get(agentId: string): AgentRecord | undefined {
    const known = this.#agents.find(({ id }) => id === agentId);
    return known && { ...known, load: this.#slots.filter((slot) => slot.agentId === agentId).length };
  }

  list(now: number): AgentRecord[] {
    return this.#agents.filter(({ expiresAt }) => now < expiresAt).map(({ id }) => this.get(id)!);
  }

  takeExpired(now: number): AgentRecord[] {
    const dead = this.#agents.filter(({ expiresAt }) => expiresAt <= now);
    return dead.map(({ id }) => this.remove(id)!);
  }

  reserve(slots: readonly Slot[], now: number): boolean[] {
    return slots.map((wanted) => {
      const living = this.list(now).find(({ id }) => id === wanted.agentId);
      if (living === undefined) return false;
      if (this.#slots.some((slot) => isSame(slot, wanted))) return true;
      if (living.load >= living.maxConcurrency) return false;
      this.#slots.push(wanted);
      return true;
    });
  }

  restore(slots: readonly Slot[]): void {
    for (const slot of slots) {
      if (this.get(slot.agentId) === undefined || this.#slots.some((taken) => isSame(taken, slot))) continue;
      this.#slots.push(slot);
    }
  }

  release(slots: readonly Slot[]): void {
    this.#slots = this.#slots.filter((held) => !slots.some((slot) => isSame(slot, held)));
  }

  swap(swaps: readonly Swap[]): void {
    for (const { agentId, taskId, insteadOf } of swaps) {
      if (this.get(agentId) === undefined) continue;
      this.release([
        { agentId, taskId: insteadOf },
        { agentId, taskId },
      ]);
      this.#slots.push({ agentId, taskId });
    }
  }

  reserved(): Slot[] {
    return this.#slots;
  }
}

const isSame = (a: Slot, b: Slot): boolean => a.agentId === b.agentId && a.taskId === b.taskId;
