import { randomUUID } from "node:crypto";
import { type Event, type EventType, MusterError, type TextDelta } from "@muster/sdk/protocol";

import type {
  ApiKey,
  KeyService,
  OnDelta,
  Orchestrator,
  Principal,
  RolloutService,
  ScheduleService,
  StateSnapshots,
  TriggerService,
} from "../core/orchestrator.ts";

import { createFakeAgents } from "./fake-agents.ts";
import { createFakeArtifacts } from "./fake-artifacts.ts";
import { createFakeBackups } from "./fake-backups.ts";
import { createFakeBreakers } from "./fake-breakers.ts";
import { createFakeEvents } from "./fake-events.ts";
import { createFakeLocks } from "./fake-locks.ts";
import { createFakeMemories } from "./fake-memories.ts";
import { createFakeState } from "./fake-state.ts";
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
  /** What agents say, to all that watch; answers how many that are. */
  speak(delta: TextDelta): number;
  /** Makes the next call of `tasks.get` fail like a broken invariant. */
  failNext(error: Error): void;
  /** Holds back the answer of every operation until it resolves. */
  hold(until: Promise<void>): void;
}

/** A small orchestrator in memory: it keeps and answers, and does no work of its own. */
export function createFakeOrchestrator({ artifacts = createFakeArtifacts() } = {}): FakeOrchestrator {
  const events = createFakeEvents();
  const tasks = createFakeTasks(events);
  const agents = createFakeAgents();
  const keyService = createKeys();
  const watching = new Set<OnDelta>();
  return {
    tasks: tasks.service,
    deadLetters: {
      list: async () => ({ items: [], next: null }),
      retry: async () => ({ done: [], runs: [], skipped: [], next: null }),
      drop: async () => ({ done: [], runs: [], skipped: [], next: null }),
    },
    retryPolicies: {
      list: async () => [],
      get: async (capability) => Promise.reject(noPolicy(capability)),
      set: async (capability) => Promise.reject(noPolicy(capability)),
      remove: async (capability) => Promise.reject(noPolicy(capability)),
    },
    runs: createFakeRuns(events),
    schedules: noSchedules,
    triggers: noTriggers,
    agents: agents.service,
    breakers: createFakeBreakers(agents.service),
    gateway: agents.gateway,
    events: events.service,
    streams: {
      async watch(_, __, onDelta) {
        watching.add(onDelta);
        return { end: async () => void watching.delete(onDelta) };
      },
    },
    speak: (delta) => {
      for (const onDelta of watching) onDelta(delta);
      return watching.size;
    },
    keys: keyService.service,
    nodes: { announce: async () => {}, leave: async () => {}, list: async () => [] },
    state: createFakeState(),
    stateSnapshots: { of: () => noSnapshots },
    artifacts,
    backups: createFakeBackups(),
    rollouts: noRollouts,
    locks: createFakeLocks(),
    memories: createFakeMemories(),
    ...nobody,
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

const noPerson = async (): Promise<never> => {
  throw new MusterError("not_found", "This fake has no people.");
};

const nobody: Pick<Orchestrator, "people" | "inbox"> = {
  people: { put: noPerson, list: async () => [], get: noPerson, remove: noPerson },
  inbox: {
    list: async () => ({ items: [], next: null }),
    get: noPerson,
    claim: noPerson,
    release: noPerson,
    answer: noPerson,
    decline: noPerson,
    delegate: noPerson,
    share: noPerson,
    history: noPerson,
  },
};

const noSchedule = async (): Promise<never> => {
  throw new MusterError("not_found", "This fake has no schedules.");
};

const noSchedules: ScheduleService = {
  create: noSchedule,
  list: async () => ({ items: [], next: null }),
  get: noSchedule,
  pause: noSchedule,
  resume: noSchedule,
  run: noSchedule,
  delete: noSchedule,
};

const noTrigger = async (): Promise<never> => {
  throw new MusterError("not_found", "This fake has no triggers.");
};

const noTriggers: TriggerService = {
  create: noTrigger,
  list: async () => ({ items: [], next: null }),
  get: noTrigger,
  pause: noTrigger,
  resume: noTrigger,
  delete: noTrigger,
};

const noSnapshot = async (): Promise<never> => {
  throw new MusterError("not_found", "This fake has no snapshots.");
};

const noSnapshots: StateSnapshots = {
  create: noSnapshot,
  list: async () => ({ items: [], next: null }),
  get: noSnapshot,
  content: noSnapshot,
  restore: noSnapshot,
  delete: noSnapshot,
  prune: async ({ dryRun = false }) => ({ dryRun, kept: [], removed: [] }),
};

const noRollout = (): never => {
  throw new MusterError("not_found", "There is no rollout.");
};

const noRollouts: RolloutService = {
  start: async () => noRollout(),
  get: async () => noRollout(),
  list: async () => ({ items: [], next: null }),
  promote: async () => noRollout(),
  abort: async () => noRollout(),
  clear: async () => noRollout(),
};

const noPolicy = (capability: string) => new MusterError("not_found", `Nothing is set for ${capability}.`);

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
