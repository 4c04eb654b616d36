import { randomUUID } from "node:crypto";
import {
  type Agent,
  type AgentRegistration,
  type AgentSession,
  defaultRetry,
  defaultTimeoutMs,
  type Event,
  type EventType,
  isFinal,
  type Message,
  MusterError,
  type Run,
  type Task,
  type TaskDetail,
  type TaskSubmission,
} from "@muster/sdk/protocol";
import type {
  AgentGateway,
  AgentService,
  ApiKey,
  EventFilter,
  EventService,
  KeyService,
  Orchestrator,
  Principal,
  RunService,
  TaskService,
} from "../core/orchestrator.ts";

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

const maySee = (principal: Principal, tenant: string): boolean =>
  principal.tenant === "*" || principal.tenant === tenant;

/** A small orchestrator in memory: it keeps and answers, and does no work of its own. */
export function createFakeOrchestrator(): FakeOrchestrator {
  const parts = createEvents();
  const tasks = createTasks(parts);
  const agents = createAgents();
  const keyService = createKeys();
  return {
    tasks: tasks.service,
    runs: createRuns(parts),
    agents: agents.service,
    gateway: agents.gateway,
    events: parts.service,
    keys: keyService.service,
    start: async () => {},
    stop: async () => {},
    complete: tasks.complete,
    failNext: tasks.failNext,
    deliver: agents.deliver,
    expire: agents.expire,
    hold: agents.hold,
    operations: agents.operations,
    detached: agents.detached,
    emit: parts.emit,
    open: parts.open,
    revoke: keyService.revoke,
  };
}

type Events = ReturnType<typeof createEvents>;

function createEvents() {
  const all: Event[] = [];
  const open = { waits: 0, subscriptions: 0 };
  const wake = new Set<() => void>();
  const matches = (event: Event, filter: EventFilter, principal: Principal): boolean =>
    maySee(principal, event.tenant) &&
    (filter.taskId === undefined || filter.taskId === event.taskId) &&
    (filter.runId === undefined || filter.runId === event.runId) &&
    (filter.types === undefined || filter.types.includes(event.type));

  const service: EventService = {
    read: async (after, filter, principal, limit = 500) =>
      all.filter((event) => event.seq > after && matches(event, filter, principal)).slice(0, limit),
    latest: async () => all.length,
    subscribe(after, filter, principal, onEvent) {
      let ended = false;
      let next = after;
      open.subscriptions++;
      const pump = async () => {
        while (!ended && next < all.length) {
          const event = all[next++];
          if (event !== undefined && matches(event, filter, principal)) await onEvent(event);
        }
      };
      let pumping = Promise.resolve();
      const wakeUp = () => {
        pumping = pumping.then(pump);
      };
      wake.add(wakeUp);
      wakeUp();
      return {
        end: async () => {
          if (ended) return;
          ended = true;
          open.subscriptions--;
          wake.delete(wakeUp);
        },
      };
    },
  };

  function emit(type: EventType, about: { taskId?: string; runId?: string; tenant?: string } = {}): Event {
    const event: Event = {
      seq: all.length + 1,
      at: new Date().toISOString(),
      type,
      taskId: about.taskId ?? null,
      runId: about.runId ?? null,
      agentId: null,
      tenant: about.tenant ?? "acme",
      data: {},
    };
    all.push(event);
    for (const work of wake) work();
    return event;
  }

  /** Resolves when `ended` holds, after `timeoutMs`, or when `signal` aborts: then it rejects. */
  async function wait(ended: () => boolean, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const until = performance.now() + timeoutMs;
    open.waits++;
    try {
      while (!ended() && performance.now() < until) {
        signal?.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    } finally {
      open.waits--;
    }
  }

  return { service, emit, wait, open };
}

function createTasks({ emit, wait }: Events) {
  const byId = new Map<string, TaskDetail>();
  let failure: Error | undefined;

  function find(id: string, principal: Principal): TaskDetail {
    if (failure !== undefined) {
      const error = failure;
      failure = undefined;
      throw error;
    }
    const task = byId.get(id);
    if (task === undefined || !maySee(principal, task.tenant)) {
      throw new MusterError("not_found", `There is no task ${id}.`);
    }
    return task;
  }

  const service: TaskService = {
    async submit(submissions, { tenant }) {
      const refs = new Set(submissions.flatMap(({ ref }) => ref ?? []));
      for (const { dependsOn = [] } of submissions) {
        const unknown = dependsOn.find((name) => !refs.has(name) && !byId.has(name));
        if (unknown === undefined) continue;
        throw new MusterError("unknown_dependency", `There is no task ${unknown} to depend on.`);
      }
      return submissions.map((submission) => {
        const task = newTask(submission, tenant);
        byId.set(task.id, task);
        emit("task.submitted", { taskId: task.id, tenant });
        return { id: task.id, ref: submission.ref ?? null, status: task.status, duplicate: false };
      });
    },
    get: async (id, principal) => find(id, principal),
    async list(filter, principal) {
      const items = [...byId.values()]
        .filter((task) => maySee(principal, task.tenant))
        .filter((task) => filter.status === undefined || task.status === filter.status)
        .reverse()
        .slice(0, filter.limit)
        .map(({ dependsOn: _d, failedAttempts: _f, ...task }): Task => task);
      return { items, next: null };
    },
    async wait(id, timeoutMs, principal, signal) {
      const task = find(id, principal);
      await wait(() => isFinal(task.status), timeoutMs, signal);
      return task;
    },
    async cancel(id, principal) {
      const task = find(id, principal);
      if (isFinal(task.status)) throw new MusterError("not_cancellable", `The task ${id} has ended.`);
      task.status = "cancelled";
      return { cancelled: [id], stopped: [] };
    },
    async retry(id, principal) {
      const { dependsOn: _d, failedAttempts: _f, ...task } = find(id, principal);
      if (task.status === "completed" || !isFinal(task.status)) {
        throw new MusterError("not_retryable", `The task ${id} is ${task.status}.`);
      }
      return { ...task, status: "ready" };
    },
    async explain(id, principal) {
      const task = find(id, principal);
      return {
        taskId: id,
        status: task.status,
        summary: "It waits for an agent.",
        reasons: [],
        nextSteps: [],
      };
    },
    deadlocks: async () => [],
  };

  return {
    service,
    failNext: (error: Error) => {
      failure = error;
    },
    complete(taskId: string, output: unknown) {
      const task = byId.get(taskId);
      if (task === undefined) throw new Error(`no task ${taskId}`);
      Object.assign(task, { status: "completed", output, finishedAt: new Date().toISOString() });
      emit("task.completed", { taskId, tenant: task.tenant });
    },
  };
}

function newTask(submission: TaskSubmission, tenant: string): TaskDetail {
  const now = new Date().toISOString();
  return {
    id: randomUUID(),
    name: submission.name ?? null,
    capability: submission.capability ?? null,
    requestedAgent: submission.agent ?? null,
    agent: null,
    agentId: null,
    status: submission.dependsOn?.length ? "blocked" : "ready",
    priority: submission.priority ?? "medium",
    tenant,
    runId: null,
    step: null,
    index: null,
    parentId: null,
    depth: 0,
    join: submission.join ?? "all",
    attempts: 0,
    maxAttempts: submission.retry?.maxAttempts ?? defaultRetry.maxAttempts,
    timeoutMs: submission.timeoutMs ?? defaultTimeoutMs,
    input: submission.input ?? null,
    output: null,
    error: null,
    createdAt: now,
    readyAt: now,
    startedAt: null,
    finishedAt: null,
    deadlineAt: null,
    dependsOn: [],
    failedAttempts: [],
  };
}

function createRuns({ emit, wait }: Events): RunService {
  const byId = new Map<string, Run>();
  function find(id: string, principal: Principal): Run {
    const run = byId.get(id);
    if (run === undefined || !maySee(principal, run.tenant)) {
      throw new MusterError("not_found", `There is no run ${id}.`);
    }
    return run;
  }
  return {
    async start({ workflow, inputs }, { tenant }) {
      const name = typeof workflow === "object" && workflow !== null ? Object(workflow).name : undefined;
      if (typeof name !== "string") throw new MusterError("invalid_workflow", "The workflow has no name.");
      const run: Run = {
        id: randomUUID(),
        workflow: name,
        status: "running",
        tenant,
        inputs: inputs ?? {},
        output: null,
        error: null,
        steps: [],
        createdAt: new Date().toISOString(),
        finishedAt: null,
      };
      byId.set(run.id, run);
      emit("run.started", { runId: run.id, tenant });
      return run;
    },
    get: async (id, principal) => ({ ...find(id, principal), tasks: [] }),
    list: async (_filter, principal) => ({
      items: [...byId.values()].filter((run) => maySee(principal, run.tenant)),
      next: null,
    }),
    async wait(id, timeoutMs, principal, signal) {
      const run = find(id, principal);
      await wait(() => run.status !== "running", timeoutMs, signal);
      return { ...run, tasks: [] };
    },
    async cancel(id, principal) {
      find(id, principal).status = "cancelled";
      return { cancelled: [], stopped: [] };
    },
    async retry(id, principal) {
      const run = find(id, principal);
      if (run.status === "running") throw new MusterError("not_retryable", `The run ${id} is running.`);
      return { ...run, status: "running" };
    },
  };
}

interface Registered {
  agent: Agent;
  session: string;
  deliver: (message: Message) => void;
}

function createAgents() {
  const byId = new Map<string, Registered>();
  const operations: FakeOrchestrator["operations"] = [];
  const detached: string[] = [];
  let held: Promise<void> = Promise.resolve();

  function find(id: string): Registered {
    const found = byId.get(id);
    if (found === undefined) throw new MusterError("agent_unknown", `There is no agent ${id}.`);
    return found;
  }

  const service: AgentService = {
    list: async (filter) =>
      [...byId.values()]
        .map(({ agent }) => agent)
        .filter(({ capabilities }) =>
          filter.capability === undefined
            ? true
            : capabilities.some(({ name }) => name === filter.capability),
        ),
    get: async (id) => find(id).agent,
    setStatus: async (id, status) => Object.assign(find(id).agent, { status }),
  };

  const gateway: AgentGateway = {
    async register(registration, _principal, deliver): Promise<AgentSession> {
      const agent = newAgent(registration);
      const session = randomUUID();
      byId.set(agent.id, { agent, session, deliver });
      return { agentId: agent.id, session, heartbeatMs: 5_000, leaseMs: 30_000 };
    },
    authenticate(session) {
      const found = [...byId.values()].find((registered) => registered.session === session);
      return found === undefined ? undefined : { agentId: found.agent.id };
    },
    attach(agentId, deliver) {
      find(agentId).deliver = deliver;
    },
    async request(agentId, operation, body) {
      find(agentId);
      await held;
      operations.push({ agentId, operation, body });
      if (operation === "leave") byId.delete(agentId);
      return answers[operation] as never;
    },
    detach: (agentId) => void detached.push(agentId),
  };

  let sent = 0;
  return {
    service,
    gateway,
    operations,
    detached,
    hold: (until: Promise<void>) => {
      held = until;
    },
    expire: (agentId: string) => void byId.delete(agentId),
    deliver(agentId: string, payload: unknown) {
      const number = String(++sent);
      find(agentId).deliver({
        id: number,
        type: "event",
        from: "orchestrator",
        to: agentId,
        correlationId: number,
        payload,
        sentAt: new Date().toISOString(),
      });
    },
  };
}

const answers = {
  heartbeat: { lost: [] },
  settle: { accepted: true },
  journal: { recorded: true },
  delegate: { taskIds: [] },
  wait: { parked: false, settled: [] },
  progress: {},
  log: {},
  send: { messageId: "1" },
  broadcast: { messageId: "1" },
  query: { payload: null },
  reply: { messageId: "1" },
  leave: {},
};

const newAgent = (registration: AgentRegistration): Agent => ({
  id: registration.id ?? randomUUID(),
  name: registration.name,
  type: registration.type ?? "custom",
  description: registration.description ?? "",
  capabilities: registration.capabilities,
  status: "available",
  load: 0,
  maxConcurrency: registration.maxConcurrency ?? 1,
  healthScore: 1,
  lastSeen: new Date().toISOString(),
  metadata: registration.metadata ?? {},
});

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
