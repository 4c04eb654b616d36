import { randomUUID } from "node:crypto";
import { type AgentOperation, type AgentRequest, isFinal, type TaskResult } from "../src/protocol/index.ts";
import type { FakeAgent, FakeOrchestrator } from "./fake-orchestrator.ts";

type Handler = (agent: FakeAgent, body: never) => unknown;

/** The operations of the agent protocol, as the fake orchestrator does them. */
export const createFakeOperations = (orchestrator: FakeOrchestrator): Record<AgentOperation, Handler> => {
  const resultOf = (id: string): TaskResult => {
    const { status, output, error } = orchestrator.task(id);
    return { id, status: status as TaskResult["status"], output, error };
  };
  return {
    heartbeat: (_, { tasks = [] }: AgentRequest<"heartbeat">) => ({
      lost: tasks
        .filter(({ taskId, leaseToken }) => orchestrator.tasks.get(taskId)?.token !== leaseToken)
        .map(({ taskId }) => taskId),
    }),
    settle: (_, { outcome, ...lease }: AgentRequest<"settle">) => {
      const task = orchestrator.live(lease);
      orchestrator.accepted.push({ taskId: task.id, outcome });
      const retries = outcome.status === "failed" && outcome.error.retryable !== false;
      if (retries && task.attempt < task.maxAttempts) orchestrator.expire(task.id);
      else orchestrator.end(task, outcome);
      return { accepted: true };
    },
    journal: (_, { key, value, ...lease }: AgentRequest<"journal">) => {
      const task = orchestrator.live(lease);
      if (!task.journal.some((entry) => entry.key === key)) task.journal.push({ key, value });
      return { recorded: true };
    },
    stream: (_, { turn, text, isRestart = false, missed = 0, ...lease }: AgentRequest<"stream">) => {
      orchestrator.live(lease);
      orchestrator.speech.said.push({ turn, text, isRestart, missed });
      return { watched: orchestrator.speech.isWatched };
    },
    usage: (_, { key, kind, moneyMicros = 0, tokens = 0, ...lease }: AgentRequest<"usage">) => {
      const task = orchestrator.live(lease);
      const answer = orchestrator.budget({ taskId: task.id, key, kind, moneyMicros, tokens });
      return { reached: null, left: { moneyMicros: null, tokens: null }, ...answer };
    },
    delegate: (_, { key, tasks, ...lease }: AgentRequest<"delegate">) => {
      const parent = orchestrator.live(lease);
      const known =
        parent.delegations.get(key) ?? tasks.map((task) => orchestrator.submit(task, parent.id).id);
      parent.delegations.set(key, known);
      return { taskIds: known };
    },
    wait: (_, { taskIds, mode, ...lease }: AgentRequest<"wait">) => {
      const task = orchestrator.live(lease);
      const settled = taskIds.filter((id) => isFinal(orchestrator.task(id).status)).map(resultOf);
      task.waitsFor = { taskIds, mode };
      if (orchestrator.canGoOn(task)) return { parked: false, settled };
      task.status = "waiting";
      queueMicrotask(() => orchestrator.dispatch());
      return { parked: true, settled: [] };
    },
    lock: (_, { taskId, leaseToken, name, token = randomUUID(), ttlMs = 30_000 }: AgentRequest<"lock">) => {
      orchestrator.live({ taskId, leaseToken });
      const expiresAt = new Date(Date.now() + ttlMs).toISOString();
      return { grant: { name, token, fence: 1, expiresAt }, position: null };
    },
    renewLock: (_, { taskId, leaseToken, name, token, ttlMs = 30_000 }: AgentRequest<"renewLock">) => {
      orchestrator.live({ taskId, leaseToken });
      return { name, token, fence: 1, expiresAt: new Date(Date.now() + ttlMs).toISOString() };
    },
    unlock: (_, { taskId, leaseToken }: AgentRequest<"unlock">) => {
      orchestrator.live({ taskId, leaseToken });
      return { released: true };
    },
    progress: (_, lease: AgentRequest<"progress">) => orchestrator.live(lease) && {},
    log: (_, lease: AgentRequest<"log">) => orchestrator.live(lease) && {},
    findAgents: (_, { taskId, leaseToken, capability }: AgentRequest<"findAgents">) => {
      orchestrator.live({ taskId, leaseToken });
      const all = [...orchestrator.agents.values()].map(({ registration }) => registration);
      const fit = all.filter(({ capabilities }) =>
        capabilities.some(({ name }) => capability === undefined || name === capability),
      );
      return {
        agents: fit.map(({ id, name, description = "", capabilities }) => {
          return { id, name, type: "custom", description, status: "available", capabilities };
        }),
      };
    },
    send: ({ registration }, { to, payload }: AgentRequest<"send">) => {
      orchestrator.send(to, { type: "event", from: registration.id, payload });
      return { messageId: randomUUID() };
    },
    broadcast: ({ registration }, { payload }: AgentRequest<"broadcast">) => {
      for (const id of orchestrator.agents.keys()) {
        if (id !== registration.id)
          orchestrator.send(id, { type: "event", from: registration.id, to: "*", payload });
      }
      return { messageId: randomUUID() };
    },
    query: (_, { payload }: AgentRequest<"query">) => ({ payload: orchestrator.answer(payload) }),
    reply: () => ({ messageId: randomUUID() }),
    readState: (_, lease: AgentRequest<"readState">) => orchestrator.live(lease) && {},
    writeState: (_, lease: AgentRequest<"writeState">) => orchestrator.live(lease) && {},
    listState: (_, lease: AgentRequest<"listState">) => orchestrator.live(lease) && { items: [], next: null },
    watchState: (_, lease: AgentRequest<"watchState">) =>
      orchestrator.live(lease) && { items: [], position: 0 },
    listStateVersions: (_, lease: AgentRequest<"listStateVersions">) =>
      orchestrator.live(lease) && { items: [], next: null },
    remember: (_, lease: AgentRequest<"remember">) => orchestrator.live(lease) && {},
    recall: (_, lease: AgentRequest<"recall">) => orchestrator.live(lease) && { items: [] },
    forget: (_, lease: AgentRequest<"forget">) => orchestrator.live(lease) && { forgotten: 0 },
    listMemories: (_, lease: AgentRequest<"listMemories">) =>
      orchestrator.live(lease) && { items: [], next: null },
    leave: ({ registration }) => {
      orchestrator.crash(registration.id);
      return {};
    },
  };
};
