import type { Client } from "@muster/sdk";
import type { Event, Run, RunDetail, Task } from "@muster/sdk/protocol";

type Parts = { [Part in keyof Client]?: Partial<Client[Part]> };

/** A client that can do what a test gives it; anything else fails with the name of the call. */
export function createFakeClient(parts: Parts): Client {
  const part = (name: string, calls: object = {}) =>
    new Proxy(calls, {
      get: (target, call) =>
        Reflect.get(target, call) ??
        (() => Promise.reject(new Error(`the test has no ${name}.${String(call)}`))),
    });
  return {
    tasks: part("tasks", parts.tasks),
    deadLetters: part("deadLetters", parts.deadLetters),
    retryPolicies: part("retryPolicies", parts.retryPolicies),
    runs: part("runs", parts.runs),
    schedules: part("schedules", parts.schedules),
    triggers: part("triggers", parts.triggers),
    agents: part("agents", parts.agents),
    breakers: part("breakers", parts.breakers),
    events: part("events", parts.events),
    keys: part("keys", parts.keys),
    memory: part("memory", parts.memory),
    artifacts: part("artifacts", parts.artifacts),
    people: part("people", parts.people),
    inbox: part("inbox", parts.inbox),
    info: parts.info ?? (async () => ({ name: "muster", version: "0.0.0", latestEvent: 0 })),
  } as Client;
}

/** A run of three steps as it begins. */
export function fakeRun(overrides: Partial<Run> = {}): Run {
  return {
    id: "0199aa41-7c1e-7000-8000-00000000000a",
    workflow: "demo",
    status: "running",
    tenant: "default",
    inputs: {},
    output: null,
    error: null,
    steps: ["list", "check", "join"].map((name) => ({
      name,
      status: "pending",
      capability: `${name}_it`,
      tasks: { total: 0, completed: 0, failed: 0 },
      reason: null,
    })),
    budget: null,
    createdAt: "2026-01-01T00:00:00.000Z",
    finishedAt: null,
    ...overrides,
  };
}

export function fakeTask(overrides: Partial<Task> = {}): Task {
  return {
    id: "0199aa41-7c1e-7000-8000-00000000000b",
    name: null,
    capability: "list_it",
    requestedAgent: null,
    agent: "lister",
    agentId: "lister-1",
    status: "completed",
    priority: "medium",
    tenant: "default",
    runId: "0199aa41-7c1e-7000-8000-00000000000a",
    step: "list",
    index: null,
    parentId: null,
    depth: 0,
    join: "all",
    attempts: 1,
    maxAttempts: 4,
    timeoutMs: 600_000,
    input: {},
    output: null,
    error: null,
    createdAt: "2026-01-01T00:00:00.000Z",
    readyAt: "2026-01-01T00:00:00.000Z",
    startedAt: "2026-01-01T00:00:00.100Z",
    finishedAt: "2026-01-01T00:00:01.000Z",
    deadlineAt: null,
    ...overrides,
  };
}

/** The run as it ended, with one completed task per step. */
export function fakeRunDetail(overrides: Partial<RunDetail> = {}): RunDetail {
  const run = fakeRun();
  return {
    ...run,
    status: "completed",
    finishedAt: "2026-01-01T00:00:12.100Z",
    steps: run.steps.map((step) => ({
      ...step,
      status: "completed",
      tasks: { total: 1, completed: 1, failed: 0 },
    })),
    tasks: run.steps.map((step, at) =>
      fakeTask({
        id: `0199aa41-7c1e-7000-8000-0000000001${at}0`,
        step: step.name,
        capability: step.capability,
      }),
    ),
    ...overrides,
  };
}

/** Follows as a server does: these events, then nothing more until the signal. */
export async function* fakeFollow(
  events: readonly Event[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Event> {
  yield* events;
  await new Promise<void>((resolve) => {
    if (signal?.aborted) resolve();
    else signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}
