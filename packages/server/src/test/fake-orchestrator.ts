import { randomUUID } from "node:crypto";
import { type Event, type EventType, MusterError } from "@muster/sdk/protocol";
import type { ApiKey, KeyService, Orchestrator, Principal } from "../core/orchestrator.ts";
import { createFakeAgents } from "./fake-agents.ts";
import { createFakeEvents } from "./fake-events.ts";
import { createFakeRuns, createFakeTasks } from "./fake-work.ts";

/** Keys that every fake orchestrator knows. */
export const keys = {
  root: "root-key",
  client: "client-key",
  agent: "agent-key",
  otherClient: "other-client-key",
  tenantAdmin: "tenant-admin-key",
} as const;

const principals: Record<string, Principal> = {
  [keys.root]: { tenant: "*", role: "admin", name: "root" },
  [keys.client]: { tenant: "acme", role: "client", name: "client" },
  [keys.agent]: { tenant: "acme", role: "agent", name: "agent" },
  [keys.otherClient]: { tenant: "other", role: "client", name: "other" },
  [keys.tenantAdmin]: { tenant: "acme", role: "admin", name: "tenant admin" },
};

/** What tests do to a fake orchestrator, and what they want to know of it. */
export interface FakeOrchestrator extends Orchestrator {
  /** Ends a task as if an agent had. */
  complete(taskId: string, output: unknown): void;
  /** Delivers a message to an agent, as the bus would. */
  deliver(agentId: string, payload: unknown): void;
  emit(type: EventType, about?: { taskId?: string; runId?: string; tenant?: string }): Event;
  /** The agent expires: its session is not known any more. */
  expire(agentId: string): void;
  revoke(key: string): void;
  /** Every operation that reached the gateway. */
  readonly operations: { agentId: string; operation: string; body: unknown }[];
  readonly detached: string[];
  /** Waits for tasks and runs, and event subscriptions, that are open now. */
  readonly open: { waits: number; subscriptions: number };
  /** Makes the next call of `tasks.get` fail like a broken invariant. */
  failNext(error: Error): void;
  /** Holds back the answer of every operation until it resolves. */
  hold(until: Promise<void>): void;
}

/** A small orchestrator in memory: it keeps and answers, and does no work of its own. */
export function createFakeOrchestrator(): FakeOrchestrator {
  const events = createFakeEvents();
  const tasks = createFakeTasks(events);
  const agents = createFakeAgents();
  const keyService = createKeys();
  return {
    tasks: tasks.service,
    runs: createFakeRuns(events),
    agents: agents.service,
    gateway: agents.gateway,
    events: events.service,
    keys: keyService.service,
    start: async () => {},
    drain: async () => {},
    stop: async () => {},
    complete: tasks.complete,
    failNext: tasks.failNext,
    deliver: agents.deliver,
    expire: agents.expire,
    hold: agents.hold,
    operations: agents.operations,
    detached: agents.detached,
    emit: events.emit,
    open: events.open,
    revoke: keyService.revoke,
  };
}

function createKeys() {
  const valid = new Map<string, Principal>(Object.entries(principals));
  const created = new Map<string, ApiKey>();
  const service: KeyService = {
    authenticate: async (key) => valid.get(key) ?? null,
    async create({ name, role, tenant }) {
      const key = randomUUID();
      const apiKey = {
        id: randomUUID(),
        name,
        role,
        tenant,
        createdAt: new Date().toISOString(),
        revokedAt: null,
      };
      created.set(apiKey.id, apiKey);
      valid.set(key, { tenant, role, name });
      return { ...apiKey, key };
    },
    list: async () => [...created.values()],
    async revoke(id) {
      const apiKey = created.get(id);
      if (apiKey === undefined) throw new MusterError("not_found", `There is no key ${id}.`);
      apiKey.revokedAt = new Date().toISOString();
      return apiKey;
    },
    bootstrap: async () => null,
  };
  return { service, revoke: (key: string) => void valid.delete(key) };
}
