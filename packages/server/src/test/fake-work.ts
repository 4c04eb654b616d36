import { randomUUID } from "node:crypto";
import {
  defaultRetry,
  defaultTimeoutMs,
  isFinal,
  MusterError,
  type Run,
  type Task,
  type TaskDetail,
  type TaskSubmission,
} from "@muster/sdk/protocol";
import type { Principal, RunService, TaskService } from "../core/orchestrator.ts";
import { type FakeEvents, maySee } from "./fake-events.ts";

/** Tasks in memory. Nobody works on them: a test completes them. */
export function createFakeTasks({ emit, wait }: FakeEvents) {
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
      const { dependsOn: _d, failedAttempts: _f, budget: _b, ...task } = find(id, principal);
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
    resume: async (id, _request, principal) => find(id, principal),
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
    budget: null,
  };
}

/** Runs in memory, without steps. */
export function createFakeRuns({ emit, wait }: FakeEvents): RunService {
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
        budget: null,
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
    resume: async (id, _request, principal) => find(id, principal),
  };
}
