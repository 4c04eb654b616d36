import { createHttpCaller, type HttpCall } from "../http/http-caller.ts";
import { createServers, isAway } from "../http/servers.ts";
import { isFinal, limits, MusterError, type RunStart, type TaskSubmission } from "../protocol/index.ts";
import { backoffMs } from "../time/backoff.ts";
import { type Clock, sleep, waitingClock } from "../time/clock.ts";
import { type Random, systemRandom } from "../time/random.ts";
import { createArtifactClient } from "./artifact-client.ts";
import type {
  AgentClient,
  BackupClient,
  BreakerClient,
  Client,
  DeadLetterClient,
  EventClient,
  KeyClient,
  RetryPolicyClient,
  RolloutClient,
  RunClient,
  SubmittedTask,
  TaskClient,
  WaitOptions,
} from "./client.ts";
import { createFollow } from "./follow-events.ts";
import { createHttpArtifacts } from "./http-artifacts.ts";
import { createHttpInbox } from "./http-inbox.ts";
import { createHttpLocks } from "./http-locks.ts";
import { createScheduleClient } from "./http-schedules.ts";
import { createHttpState } from "./http-state.ts";
import { createTriggerClient } from "./http-triggers.ts";
import { createKey, withKeys } from "./idempotency-keys.ts";
import { itemsOf } from "./items-of.ts";
import { createHttpMemory } from "./memory-client.ts";
import { pathOf } from "./path-of.ts";
import { createWatching } from "./watch-text.ts";

export interface ClientOptions {
  /** Where the server is, for example `http://localhost:6878`; several nodes as a list, or separated by commas. */
  url: string | readonly string[];
  apiKey: string;
  /** For tests and proxies; the global one by default. */
  fetch?: typeof globalThis.fetch;
  clock?: Clock;
  random?: Random;
}

/** Tries of a call that may be repeated, and the delays between them. */
const mostTries = 4;
const retryDelay = { firstMs: 200, maxMs: 2_000 };
/** One long poll of a wait; the next one follows at once. */
const pollMs = 25_000;
/** A wait outlives a restart of the server, but not a server that is gone for this long. */
const patienceMs = 120_000;

/**
 * The client of an orchestrator over HTTP. It holds no connection and needs no closing. Reads are repeated a
 * few times when the server cannot be reached, at another node where it knows several; so are submissions, under an
 * idempotency key. Cancels and retries of tasks are only repeated where the first one surely reached nobody.
 */
export const createClient = (options: ClientOptions): Client => {
  const calls = createCalls(options);
  const { get } = calls;
  const events = createEventClient(calls, options);
  const watching = createWatching(calls.servers, options);
  return {
    tasks: { ...createTaskClient(calls), ...watching("tasks") },
    deadLetters: createDeadLetterClient(calls),
    retryPolicies: createRetryPolicyClient(calls),
    runs: { ...createRunClient(calls), ...watching("runs") },
    schedules: createScheduleClient(calls),
    triggers: createTriggerClient(calls),
    agents: createAgentClient(calls),
    breakers: createBreakerClient(calls),
    events,
    keys: createKeyClient(calls),
    rollouts: createRolloutClient(calls),
    nodes: { list: () => itemsOf(get("/v1/nodes")), database: () => get("/v1/database") },
    backups: createBackupClient(calls),
    artifacts: createArtifacts(calls, options),
    locks: createHttpLocks(calls, options.clock),
    ...createHttpInbox(calls),
    state: createHttpState({ ...calls, files: (path) => filesBelow(path, calls, options) }, events.follow),
    memory: createHttpMemory(calls),
    info: () => get("/v1/info"),
  };
};

type Query = NonNullable<HttpCall["query"]>;

/** What every part of the client is made of: a read, a write, a write that may be repeated, a wait. */
const createCalls = ({ url, apiKey, ...options }: ClientOptions) => {
  const clock = options.clock ?? waitingClock;
  const random = options.random ?? systemRandom;
  const servers = createServers(url, random);
  const exchange = createHttpCaller({ servers, fetch: options.fetch ?? globalThis.fetch, clock });
  const call = (request: Omit<HttpCall, "token">) => exchange({ ...request, token: apiKey });

  const repeated = async (
    request: Omit<HttpCall, "token">,
    isWorthAnother: (error: unknown) => boolean = isPassing,
  ): Promise<unknown> => {
    for (let failures = 1; ; failures++) {
      try {
        return await call(request);
      } catch (error) {
        if (!isWorthAnother(error) || failures >= mostTries + servers.count - 1) throw error;
        // Each other node is asked at once; only after a round it takes a pause.
        const rounds = isAway(error) ? Math.floor(failures / servers.count) : failures;
        if (failures % servers.count === 0 || !isAway(error)) {
          await sleep(clock, backoffMs(rounds, retryDelay, random), request.signal);
        }
      }
    }
  };

  return {
    servers,
    get: async <T>(path: string, query: Query = {}): Promise<T> =>
      (await repeated({ method: "GET", path, query })) as T,
    read: (request: Omit<HttpCall, "token">) => repeated(request),
    write: (request: Omit<HttpCall, "token">) => repeated(request, reachedNobody),
    post: async <T>(path: string, body: unknown = {}): Promise<T> =>
      (await repeated({ method: "POST", path, body }, reachedNobody)) as T,
    postSafely: async <T>(path: string, body: unknown): Promise<T> =>
      (await repeated({ method: "POST", path, body })) as T,
    put: async <T>(path: string, body: unknown): Promise<T> =>
      (await repeated({ method: "PUT", path, body })) as T,
    remove: async <T>(path: string, query: Query = {}): Promise<T> =>
      (await call({ method: "DELETE", path, query })) as T,
    /** Repeated by whoever calls, which knows how long it makes sense. */
    poll: async <T>(path: string, body: unknown, waitMs: number, signal?: AbortSignal): Promise<T> =>
      (await call({ method: "POST", path, body, waitMs, signal })) as T,
    wait: <T>(path: string, hasEnded: (value: T) => boolean, wait: WaitOptions) =>
      waitFor<T>({ clock, random, path, hasEnded, ...wait }, call),
  };
};

/** The connection was refused: nobody has seen the request. */
const reachedNobody = (error: unknown): boolean => {
  if (!isAway(error)) return false;
  let cause = (error as MusterError).cause;
  while (cause instanceof Error && !("code" in cause)) cause = cause.cause;
  return cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
};

export type Calls = ReturnType<typeof createCalls>;
/** Errors after which the same call can succeed a moment later. */
const isPassing = (error: unknown): boolean =>
  error instanceof MusterError && (error.code === "unavailable" || error.code === "rate_limited");

interface Wait<T> extends WaitOptions {
  clock: Clock;
  random: Random;
  path: string;
  hasEnded: (value: T) => boolean;
}

/** Long polls until it has ended, through restarts of the server. */
const waitFor = async <T>(
  { clock, random, path, hasEnded, timeoutMs = Number.POSITIVE_INFINITY, signal }: Wait<T>,
  call: (request: Omit<HttpCall, "token">) => Promise<unknown>,
): Promise<T> => {
  const endsAt = clock.now() + timeoutMs;
  let failures = 0;
  let answeredAt = clock.now();
  for (;;) {
    const waitMs = Math.round(Math.max(0, Math.min(pollMs, endsAt - clock.now())));
    try {
      const value = (await call({ method: "GET", path, query: { waitMs }, waitMs, signal })) as T;
      if (hasEnded(value)) return value;
      failures = 0;
      answeredAt = clock.now();
    } catch (error) {
      if (!isPassing(error) || clock.now() - answeredAt > patienceMs) throw error;
      failures++;
    }
    if (clock.now() >= endsAt) {
      throw new MusterError("timeout", `${path} had not ended after ${timeoutMs} ms.`, {
        hint: "It goes on all the same; wait longer, look at it with explain, or cancel it.",
      });
    }
    const pauseMs = backoffMs(failures, { firstMs: 200, maxMs: 5_000 }, random);
    if (failures > 0) await sleep(clock, Math.min(pauseMs, Math.max(0, endsAt - clock.now())), signal);
  }
};

const createTaskClient = ({ get, post, postSafely, wait }: Calls): Omit<TaskClient, "watch"> => {
  const submitAll = async (tasks: readonly TaskSubmission[]): Promise<SubmittedTask[]> => {
    const keyed = withKeys(tasks);
    const fits = Buffer.byteLength(JSON.stringify({ tasks: keyed })) <= limits.bodyBytes;
    // A submission so close to the limit that keys would push it over is sent once, as it is.
    const send = fits ? postSafely : post;
    const answer = await send<{ tasks: SubmittedTask[] }>("/v1/tasks", { tasks: fits ? keyed : tasks });
    return answer.tasks.map((task, index) =>
      tasks[index]?.idempotencyKey === undefined ? { ...task, duplicate: false } : task,
    );
  };
  function submit(task: TaskSubmission): Promise<SubmittedTask>;
  function submit(tasks: readonly TaskSubmission[]): Promise<SubmittedTask[]>;
  async function submit(work: TaskSubmission | readonly TaskSubmission[]) {
    if (Array.isArray(work)) return submitAll(work);
    const [submitted] = await submitAll([work as TaskSubmission]);
    return submitted;
  }
  return {
    submit: submit as TaskClient["submit"],
    get: (id) => get(pathOf("tasks", id)),
    list: (filter = {}) => get("/v1/tasks", { ...filter }),
    wait: (id, options = {}) => wait(pathOf("tasks", id), (task) => isFinal(task.status), options),
    cancel: (id) => post(`${pathOf("tasks", id)}/cancel`),
    retry: (id) => post(`${pathOf("tasks", id)}/retry`),
    resume: (id, request = {}) => post(`${pathOf("tasks", id)}/resume`, request),
    explain: (id) => get(`${pathOf("tasks", id)}/why`),
    deadlocks: () => itemsOf(get("/v1/deadlocks")),
  };
};

const createDeadLetterClient = ({ get, post }: Calls): DeadLetterClient => ({
  list: (filter = {}) => get("/v1/dead-letters", { ...filter }),
  retry: (selection) => post("/v1/dead-letters/retry", selection),
  drop: (selection) => post("/v1/dead-letters/drop", selection),
});

const createRetryPolicyClient = ({ get, put, remove }: Calls): RetryPolicyClient => ({
  list: () => itemsOf(get("/v1/retry-policies")),
  get: (capability, options = {}) => get(pathOf("retry-policies", capability), { ...options }),
  set: (capability, update) => put(pathOf("retry-policies", capability), update),
  remove: (capability, options = {}) => remove(pathOf("retry-policies", capability), { ...options }),
});

const createRunClient = ({ get, post, postSafely, wait }: Calls): Omit<RunClient, "watch"> => ({
  start: (request: RunStart) => postSafely("/v1/runs", { idempotencyKey: createKey(), ...request }),
  get: (id) => get(pathOf("runs", id)),
  list: (filter = {}) => get("/v1/runs", { ...filter }),
  wait: (id, options = {}) => wait(pathOf("runs", id), (run) => run.status !== "running", options),
  cancel: (id) => post(`${pathOf("runs", id)}/cancel`),
  retry: (id) => post(`${pathOf("runs", id)}/retry`),
  resume: (id, request = {}) => post(`${pathOf("runs", id)}/resume`, request),
});

const createAgentClient = ({ get, post }: Calls): AgentClient => ({
  list: (filter = {}) => itemsOf(get("/v1/agents", { ...filter })),
  get: (id) => get(pathOf("agents", id)),
  setStatus: (id, status) => post(`${pathOf("agents", id)}/status`, { status }),
});

const createBreakerClient = ({ get, postSafely }: Calls): BreakerClient => ({
  list: (filter = {}) => itemsOf(get("/v1/breakers", { ...filter })),
  get: (agentId) => get(pathOf("breakers", agentId)),
  open: (agentId, request) => postSafely(`${pathOf("breakers", agentId)}/open`, request),
  close: (agentId, request = {}) => postSafely(`${pathOf("breakers", agentId)}/close`, request),
});

const createEventClient = (calls: Calls, options: ClientOptions): EventClient => ({
  read: (filter = {}) => calls.get("/v1/events", { ...filter }),
  follow: createFollow({
    servers: calls.servers,
    apiKey: options.apiKey,
    latest: async () => (await calls.get<{ latestEvent: number }>("/v1/info")).latestEvent,
    clock: options.clock ?? waitingClock,
    random: options.random ?? systemRandom,
  }),
});

const createKeyClient = ({ get, post, remove }: Calls): KeyClient => ({
  create: (request) => post("/v1/keys", request),
  list: () => itemsOf(get("/v1/keys")),
  revoke: (id) => remove(pathOf("keys", id)),
});

const createBackupClient = ({ get, post }: Calls): BackupClient => ({
  create: (request = {}) => post("/v1/backups", request),
  verify: (id) => post(`${pathOf("backups", id)}/verify`),
  job: (id, waitMs = 0) => get(pathOf("backup-jobs", id), { waitMs }),
  list: () => get("/v1/backups"),
  get: (id) => get(pathOf("backups", id)),
  prune: (options = {}) => post("/v1/backups/prune", options),
});

const createRolloutClient = ({ get, post }: Calls): RolloutClient => ({
  start: (request) => post("/v1/rollouts", request),
  get: (id) => get(pathOf("rollouts", id)),
  list: (filter = {}) => get("/v1/rollouts", { ...filter }),
  promote: (id, how = {}) => post(`${pathOf("rollouts", id)}/promote`, how),
  abort: (id, how = {}) => post(`${pathOf("rollouts", id)}/abort`, how),
  clear: (id) => post(`${pathOf("rollouts", id)}/clear`),
});

const filesBelow = (path: string, { servers }: Calls, { apiKey, fetch }: ClientOptions) =>
  createHttpArtifacts({
    servers,
    path,
    headers: () => ({ authorization: `Bearer ${apiKey}` }),
    fetch: fetch ?? globalThis.fetch,
  });

const createArtifacts = (calls: Calls, options: ClientOptions) => {
  const { clock, random } = options;
  const access = filesBelow("/v1/artifacts", calls, options);
  return createArtifactClient(access, { ...(clock && { clock }), ...(random && { random }) });
};
