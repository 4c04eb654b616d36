import { randomUUID } from "node:crypto";
import {
  type Client,
  createArtifactClient,
  createDeltaQueue,
  createLockHands,
  createMemoryClient,
  createStateDocuments,
  type Event,
  isFinal,
  limits,
  MusterError,
  type StateSnapshotClient,
  type SubmittedTask,
  type TaskSubmission,
  type TextDelta,
  type WaitOptions,
  watchState,
} from "@muster/sdk";
import type { Orchestrator, Principal, Watched } from "./core/orchestrator.ts";
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
  const { tasks, deadLetters, retryPolicies, runs, schedules, triggers, agents } = orchestrator;
  const { breakers, events, keys, nodes, locks, rollouts, backups } = orchestrator;

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

  const follow: Client["events"]["follow"] = ({ after, signal, ...filter } = {}) => ({
    async *[Symbol.asyncIterator]() {
      yield* followed(orchestrator, after ?? (await events.latest()), filter, principal, signal);
    },
  });

  const snapshotsOf = (project: string): StateSnapshotClient => {
    const snapshots = orchestrator.stateSnapshots.of(principal, project);
    return { ...snapshots, content: async (id) => (await snapshots.content(id)).body };
  };

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
      watch: (id, { signal } = {}) => watched(orchestrator, { taskId: id }, principal, signal),
      cancel: (id) => tasks.cancel(id, principal),
      retry: (id) => tasks.retry(id, principal),
      resume: (id, request = {}) => tasks.resume(id, request, principal),
      explain: (id) => tasks.explain(id, principal),
      deadlocks: () => tasks.deadlocks(principal),
    },
    deadLetters: {
      list: (filter = {}) => deadLetters.list(filter, principal),
      retry: (selection) => deadLetters.retry(selection, principal),
      drop: (selection) => deadLetters.drop(selection, principal),
    },
    retryPolicies: {
      list: () => retryPolicies.list(principal),
      get: (capability, { tenant } = {}) => retryPolicies.get(capability, principal, tenant),
      set: (capability, update) => retryPolicies.set(capability, update, principal),
      remove: (capability, { tenant } = {}) => retryPolicies.remove(capability, principal, tenant),
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
      watch: (id, { signal } = {}) => watched(orchestrator, { runId: id }, principal, signal),
      cancel: (id) => runs.cancel(id, principal),
      retry: (id) => runs.retry(id, principal),
      resume: (id, request = {}) => runs.resume(id, request, principal),
    },
    schedules: {
      create: (request, options) => schedules.create(request, principal, options),
      list: (filter = {}) => schedules.list(filter, principal),
      get: (schedule) => schedules.get(schedule, principal),
      pause: (schedule) => schedules.pause(schedule, principal),
      resume: (schedule) => schedules.resume(schedule, principal),
      run: (schedule) => schedules.run(schedule, principal),
      delete: (schedule) => schedules.delete(schedule, principal),
    },
    triggers: {
      create: (request, options) => triggers.create(request, principal, options),
      list: (filter = {}) => triggers.list(filter, principal),
      get: (trigger) => triggers.get(trigger, principal),
      pause: (trigger) => triggers.pause(trigger, principal),
      resume: (trigger) => triggers.resume(trigger, principal),
      delete: (trigger) => triggers.delete(trigger, principal),
    },
    agents: {
      list: ({ tools, ...filter } = {}) =>
        agents.list({ ...filter, ...(tools === undefined ? {} : { tools: [...tools] }) }, principal),
      get: (id) => agents.get(id, principal),
      setStatus: (id, status) => agents.setStatus(id, status, principal),
    },
    breakers: {
      list: (filter = {}) => breakers.list(filter, principal),
      get: (agentId) => breakers.get(agentId, principal),
      open: (agentId, request) => breakers.open(agentId, request, principal),
      close: (agentId, request = {}) => breakers.close(agentId, request, principal),
    },
    events: {
      async read({ after = 0, limit, ...filter } = {}) {
        const items = await events.read(after, filter, principal, limit);
        return { items, latest: await events.latest() };
      },
      follow,
    },
    backups: {
      create: (request = {}) => backups.create(request, principal),
      verify: (id) => backups.verify(id, principal),
      job: (id, waitMs = 0) => backups.job(id, waitMs, principal),
      list: () => backups.list(principal),
      get: (id) => backups.get(id, principal),
      prune: (options = {}) => backups.prune(options, principal),
    },
    rollouts: {
      start: (request) => rollouts.start(request, principal),
      get: (id) => rollouts.get(id, principal),
      list: (filter = {}) => rollouts.list(filter, principal),
      promote: (id, how = {}) => rollouts.promote(id, how, principal),
      abort: (id, how = {}) => rollouts.abort(id, how, principal),
      clear: (id) => rollouts.clear(id, principal),
    },
    nodes: { list: () => nodes.list(principal) },
    keys: {
      create: (request) => keys.create({ tenant: principal.tenant, ...request }, principal),
      list: () => keys.list(principal),
      revoke: (id) => keys.revoke(id, principal),
    },
    artifacts: createArtifactClient(orchestrator.artifacts.of(principal)),
    state: {
      project: (name) => {
        const space = orchestrator.state.of(principal, name);
        return {
          ...createStateDocuments(space),
          list: (filter) => space.list(filter),
          diff: space.diff,
          changes: (filter = {}) => space.changes(filter, 0),
          watch: (options = {}) => watchState(follow, name, options),
          snapshots: snapshotsOf(name),
        };
      },
      projects: () => orchestrator.state.projects(principal),
    },
    locks: {
      ...createLockHands(locks.of(principal), randomUUID),
      list: (filter = {}) => locks.list(filter, principal),
      get: (name) => locks.get(name, principal),
      forceRelease: (name) => locks.forceRelease(name, principal),
    },
    memory: createMemoryClient(orchestrator.memories.of(principal)),
    ...peopleOf(orchestrator, principal),
    info: async () => ({ name: "muster", version, latestEvent: await events.latest() }),
  };
}

const peopleOf = (
  { people, inbox }: Orchestrator,
  principal: Principal,
): Pick<Client, "people" | "inbox"> => ({
  people: {
    put: (person) => people.put(person, principal),
    list: () => people.list(principal),
    get: (person) => people.get(person, principal),
    remove: (person) => people.remove(person, principal),
  },
  inbox: {
    list: (filter = {}) => inbox.list(filter, principal),
    get: (taskId) => inbox.get(taskId, principal),
    claim: (taskId, request = {}) => inbox.claim(taskId, request, principal),
    release: (taskId, request = {}) => inbox.release(taskId, request, principal),
    answer: (taskId, request) => inbox.answer(taskId, request, principal),
    decline: (taskId, request = {}) => inbox.decline(taskId, request, principal),
    delegate: (taskId, request) => inbox.delegate(taskId, request, principal),
    share: ({ sinceMs = 24 * 3_600_000 } = {}) => inbox.share(sinceMs, principal),
    history: (filter = {}) => inbox.history(filter, principal),
  },
});

async function* watched(
  { streams }: Orchestrator,
  what: Watched,
  principal: Principal,
  signal: AbortSignal | undefined,
): AsyncGenerator<TextDelta> {
  const queue = createDeltaQueue();
  const subscription = await streams.watch(what, principal, queue.push);
  try {
    yield* queue.read(signal);
  } finally {
    await subscription.end();
  }
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
