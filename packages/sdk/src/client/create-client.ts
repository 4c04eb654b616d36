import { createHttpCaller, type HttpCall } from "../http/http-caller.ts";
import { parseServerUrl } from "../http/server-url.ts";
import { isFinal, limits, MusterError, type RunStart, type TaskSubmission } from "../protocol/index.ts";
import { backoffMs } from "../time/backoff.ts";
import { type Clock, sleep, waitingClock } from "../time/clock.ts";
import { type Random, systemRandom } from "../time/random.ts";
import type {
  AgentClient,
  Client,
  EventClient,
  KeyClient,
  RunClient,
  SubmittedTask,
  TaskClient,
  WaitOptions,
} from "./client.ts";
import { createFollow } from "./follow-events.ts";
import { createKey, withKeys } from "./idempotency-keys.ts";

export interface ClientOptions {
  /** Where the server is, for example `http://localhost:6878`. */
  url: string;
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
 * few times when the server cannot be reached; so are submissions, under an idempotency key. Cancels and
 * retries of tasks are sent once.
 */
export const createClient = (options: ClientOptions): Client => {
  const calls = createCalls(options);
  const { get } = calls;
  return {
    tasks: createTaskClient(calls),
    runs: createRunClient(calls),
    agents: createAgentClient(calls),
    events: createEventClient(calls, options),
    keys: createKeyClient(calls),
    info: () => get("/v1/info"),
  };
};

type Query = NonNullable<HttpCall["query"]>;

/** What every part of the client is made of: a read, a write, a write that may be repeated, a wait. */
const createCalls = ({ url, apiKey, ...options }: ClientOptions) => {
  const clock = options.clock ?? waitingClock;
  const random = options.random ?? systemRandom;
  const serverUrl = parseServerUrl(url);
  const exchange = createHttpCaller({ serverUrl, fetch: options.fetch ?? globalThis.fetch, clock });
  const call = (request: Omit<HttpCall, "token">) => exchange({ ...request, token: apiKey });

  const repeated = async (request: Omit<HttpCall, "token">): Promise<unknown> => {
    for (let failures = 1; ; failures++) {
      try {
        return await call(request);
      } catch (error) {
        if (!isPassing(error) || failures >= mostTries) throw error;
        await sleep(clock, backoffMs(failures, retryDelay, random), request.signal);
      }
    }
  };

  return {
    serverUrl,
    get: async <T>(path: string, query: Query = {}): Promise<T> =>
      (await repeated({ method: "GET", path, query })) as T,
    post: async <T>(path: string, body: unknown = {}): Promise<T> =>
      (await call({ method: "POST", path, body })) as T,
    postSafely: async <T>(path: string, body: unknown): Promise<T> =>
      (await repeated({ method: "POST", path, body })) as T,
    remove: async <T>(path: string): Promise<T> => (await call({ method: "DELETE", path })) as T,
    wait: <T>(path: string, hasEnded: (value: T) => boolean, wait: WaitOptions) =>
      waitFor<T>({ clock, random, path, hasEnded, ...wait }, call),
  };
};

type Calls = ReturnType<typeof createCalls>;

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

const pathOf = (collection: string, id: string): string => `/v1/${collection}/${encodeURIComponent(id)}`;

const createTaskClient = ({ get, post, postSafely, wait }: Calls): TaskClient => {
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
    explain: (id) => get(`${pathOf("tasks", id)}/why`),
    deadlocks: () => itemsOf(get("/v1/deadlocks")),
  };
};

const createRunClient = ({ get, post, postSafely, wait }: Calls): RunClient => ({
  start: (request: RunStart) => postSafely("/v1/runs", { idempotencyKey: createKey(), ...request }),
  get: (id) => get(pathOf("runs", id)),
  list: (filter = {}) => get("/v1/runs", { ...filter }),
  wait: (id, options = {}) => wait(pathOf("runs", id), (run) => run.status !== "running", options),
  cancel: (id) => post(`${pathOf("runs", id)}/cancel`),
  retry: (id) => post(`${pathOf("runs", id)}/retry`),
});

const createAgentClient = ({ get, post }: Calls): AgentClient => ({
  list: (filter = {}) => itemsOf(get("/v1/agents", { ...filter })),
  get: (id) => get(pathOf("agents", id)),
  setStatus: (id, status) => post(`${pathOf("agents", id)}/status`, { status }),
});

const createEventClient = (calls: Calls, options: ClientOptions): EventClient => ({
  read: (filter = {}) => calls.get("/v1/events", { ...filter }),
  follow: createFollow({
    serverUrl: calls.serverUrl,
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

const itemsOf = async <T>(answer: Promise<{ items: T[] }>): Promise<T[]> => (await answer).items;
