import {
  type Client,
  type Event,
  isFinal,
  limits,
  MusterError,
  type SubmittedTask,
  type TaskSubmission,
  type WaitOptions,
} from "@muster/sdk";
import type { Orchestrator, Principal } from "./core/orchestrator.ts";
import type { Clock } from "./ports/clock.ts";

/** Events that wait for one reader of `follow` before the feed waits for it. */
const mostUnread = 1_000;

/**
 * The SDK's client without the wire: for programs that hold the orchestrator in their own process. The same
 * calls with the same answers and errors.
 */
export function createDirectClient(
  orchestrator: Orchestrator,
  principal: Principal,
  clock: Clock,
  version: string,
): Client {
  const { tasks, runs, agents, events, keys } = orchestrator;

  /** Waits in turns, as the HTTP client does, so that no wait is longer than the orchestrator allows. */
  async function waitUntil<T>(
    look: (timeoutMs: number) => Promise<T>,
    over: (found: T) => boolean,
    { timeoutMs, signal }: WaitOptions = {},
  ): Promise<T> {
    const until = timeoutMs === undefined ? Number.POSITIVE_INFINITY : clock.now() + timeoutMs;
    for (;;) {
      signal?.throwIfAborted();
      const left = until - clock.now();
      const found = await look(Math.max(0, Math.min(limits.longPollMs, left)));
      if (over(found)) return found;
      signal?.throwIfAborted();
      if (clock.now() >= until) throw new MusterError("timeout", `It has not ended within ${timeoutMs} ms.`);
    }
  }

  function submit(task: TaskSubmission): Promise<SubmittedTask>;
  function submit(many: readonly TaskSubmission[]): Promise<SubmittedTask[]>;
  async function submit(work: TaskSubmission | readonly TaskSubmission[]) {
    if (Array.isArray(work)) return tasks.submit(work as readonly TaskSubmission[], principal);
    return (await tasks.submit([work as TaskSubmission], principal))[0] as SubmittedTask;
  }

  return {
    tasks: {
      submit,
      get: (id) => tasks.get(id, principal),
      list: (filter = {}) => tasks.list(filter, principal),
      wait: (id, options) =>
        waitUntil(
          (ms) => tasks.wait(id, ms, principal, options?.signal),
          (task) => isFinal(task.status),
          options,
        ),
      cancel: (id) => tasks.cancel(id, principal),
      retry: (id) => tasks.retry(id, principal),
      explain: (id) => tasks.explain(id, principal),
      deadlocks: () => tasks.deadlocks(principal),
    },
    runs: {
      start: (request) => runs.start(request, principal),
      get: (id) => runs.get(id, principal),
      list: (filter = {}) => runs.list(filter, principal),
      wait: (id, options) =>
        waitUntil(
          (ms) => runs.wait(id, ms, principal, options?.signal),
          (run) => run.status !== "running",
          options,
        ),
      cancel: (id) => runs.cancel(id, principal),
      retry: (id) => runs.retry(id, principal),
    },
    agents: {
      list: ({ tools, ...filter } = {}) =>
        agents.list({ ...filter, ...(tools === undefined ? {} : { tools: [...tools] }) }, principal),
      get: (id) => agents.get(id, principal),
      setStatus: (id, status) => agents.setStatus(id, status, principal),
    },
    events: {
      async read({ after = 0, limit, ...filter } = {}) {
        const items = await events.read(after, filter, principal, limit);
        return { items, latest: await events.latest() };
      },
      follow: ({ after, signal, ...filter } = {}) => ({
        async *[Symbol.asyncIterator]() {
          yield* followed(orchestrator, after ?? (await events.latest()), filter, principal, signal);
        },
      }),
    },
    keys: {
      create: (request) => keys.create({ tenant: principal.tenant, ...request }, principal),
      list: () => keys.list(principal),
      revoke: (id) => keys.revoke(id, principal),
    },
    info: async () => ({ name: "muster", version, latestEvent: await events.latest() }),
  };
}

async function* followed(
  orchestrator: Orchestrator,
  after: number,
  filter: Parameters<Orchestrator["events"]["subscribe"]>[1],
  principal: Principal,
  signal: AbortSignal | undefined,
): AsyncGenerator<Event> {
  const unread: Event[] = [];
  let arrived = () => {};
  let taken = () => {};
  const subscription = orchestrator.events.subscribe(after, filter, principal, async (event) => {
    unread.push(event);
    arrived();
    if (unread.length >= mostUnread) {
      await new Promise<void>((resolve) => {
        taken = resolve;
      });
    }
  });
  const stop = () => arrived();
  signal?.addEventListener("abort", stop);
  try {
    while (signal?.aborted !== true) {
      const event = unread.shift();
      if (event !== undefined) {
        taken();
        yield event;
        continue;
      }
      await new Promise<void>((resolve) => {
        arrived = resolve;
      });
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    taken();
    await subscription.end();
  }
}
