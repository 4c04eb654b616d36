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
    progress: (_, lease: AgentRequest<"progress">) => orchestrator.live(lease) && {},
    log: (_, lease: AgentRequest<"log">) => orchestrator.live(lease) && {},
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
    leave: ({ registration }) => {
      orchestrator.crash(registration.id);
      return {};
    },
  };
};
