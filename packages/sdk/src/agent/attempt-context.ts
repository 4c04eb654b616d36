import type { ArtifactClient } from "../client/artifact-client.ts";
import type { LockHands } from "../client/lock-client.ts";
import type { AgentMemory } from "../client/memory-client.ts";
import type { AgentState } from "../client/state-client.ts";
import { limits, MusterError, type TaskResult, type TaskSubmission } from "../protocol/index.ts";
import type { Clock } from "../time/clock.ts";
import type { Attempt } from "./attempt.ts";
import { createAttemptArtifacts } from "./attempt-artifacts.ts";
import { createAttemptLocks } from "./attempt-locks.ts";
import { createAttemptMemory } from "./attempt-memory.ts";
import { createAttemptState } from "./attempt-state.ts";
import type { Connection } from "./connection.ts";
import { answerOf } from "./query-answer.ts";
import { createQuestions } from "./questions.ts";
import type { Reports } from "./reports.ts";
import { createSpending } from "./spending.ts";
import type { Streams } from "./streams.ts";
import type { DelegateOptions, TaskContext } from "./task-context.ts";
import { DelegationError } from "./task-error.ts";
import { toJson } from "./to-json.ts";
import { Waits } from "./waits.ts";

export interface ContextHost {
  connection: Connection;
  reports: Reports;
  streams: Streams;
  clock: Clock;
}

const queryMs = 10_000;

/**
 * The context of one attempt. Steps and sub-tasks are found again by their keys, so a handler that is run once
 * more meets what it has already done. Methods are functions of their own: a handler may take them apart.
 */
export const createContext = (
  attempt: Attempt,
  { connection, reports, streams, clock }: ContextHost,
): TaskContext => {
  const { assignment } = attempt;
  const { step } = createSteps(attempt);
  const { hand, delegate, delegateAll } = createDelegations(attempt);
  const { spend, withinBudget } = createSpending(attempt);
  let artifacts: ArtifactClient | undefined;
  let lockHands: LockHands | undefined;
  let state: AgentState | undefined;
  let memory: AgentMemory | undefined;
  const locks = (): LockHands => {
    lockHands ??= createAttemptLocks(attempt, clock);
    return lockHands;
  };
  const memories = (): AgentMemory => {
    memory ??= createAttemptMemory(attempt);
    return memory;
  };
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    if (attempt.gone !== undefined) throw attempt.gone;
    return work();
  };
  return {
    taskId: assignment.taskId,
    runId: assignment.runId,
    capability: assignment.capability,
    input: assignment.input,
    priority: assignment.priority,
    attempt: assignment.attempt,
    maxAttempts: assignment.maxAttempts,
    get signal() {
      return attempt.signal;
    },
    step,
    delegate: delegate as TaskContext["delegate"],
    delegateAll,
    ...createQuestions(hand, tended),
    spend,
    withinBudget,
    findAgents: (search = {}) =>
      tended(guarded(async () => (await attempt.call("findAgents", search)).answer.agents)),
    send: (to, payload) =>
      tended(
        guarded(async () => void (await connection.request("send", { to, payload: toPayload(payload) }))),
      ),
    broadcast: (payload) =>
      tended(
        guarded(async () => void (await connection.request("broadcast", { payload: toPayload(payload) }))),
      ),
    query: <Answer>(to: string, payload: unknown, { timeoutMs = queryMs }: { timeoutMs?: number } = {}) =>
      tended(
        guarded(async () => {
          const request = { to, payload: toPayload(payload), timeoutMs };
          return answerOf((await connection.request("query", request)).payload) as Answer;
        }),
      ),
    lock: (resource, options, work) => tended(locks().hold(resource, options, work)),
    get locks() {
      return locks();
    },
    get artifacts() {
      artifacts ??= createAttemptArtifacts(attempt, connection);
      return artifacts;
    },
    get state() {
      state ??= createAttemptState(attempt, connection);
      return state;
    },
    get memory() {
      return memories();
    },
    remember: (text, options) => tended(memories().remember(text, options)),
    recall: (query, options) => tended(memories().recall(query, options)),
    progress: (fraction, message) => reports.progress(attempt, fraction, message),
    stream: (text, options) => streams.add(attempt, text, options),
    log: (level, message, fields) => reports.log(attempt, level, message, fields),
  };
};

const toPayload = (payload: unknown): unknown => toJson(payload, "The payload");

/**
 * A promise that a handler may leave alone: where it starts several things and one fails, the others must not
 * end the process as unhandled rejections.
 */
const tended = <T>(promise: Promise<T>): Promise<T> => {
  promise.catch(() => undefined);
  return promise;
};

const createSteps = (attempt: Attempt) => {
  const { journal, taskId } = attempt.assignment;
  const recorded = journal.length === 0 ? undefined : new Map(journal.map(({ key, value }) => [key, value]));
  /** What is being done or was done in this attempt, by key. */
  let steps: Map<string, Promise<unknown>> | undefined;

  const run = async <T>(key: string, work: () => Promise<T> | T): Promise<unknown> => {
    if (attempt.gone !== undefined) throw attempt.gone;
    if (recorded?.has(key)) return recorded.get(key);
    const value = toJson(await work(), `The result of step "${key}"`);
    await attempt.call("journal", { key, value });
    return value;
  };

  const step = <T>(key: string, work: () => Promise<T> | T): Promise<T> => {
    steps ??= new Map();
    const known = steps.get(key);
    if (known !== undefined) return known as Promise<T>;
    const running = tended(checkKey(key, taskId) ?? checkStepKey(key) ?? run(key, work));
    steps.set(key, running);
    // A step that failed is not done: the handler may try it again.
    running.catch(() => steps?.delete(key));
    return running as Promise<T>;
  };
  return { step };
};

const createDelegations = (attempt: Attempt) => {
  const { taskId } = attempt.assignment;
  let waits: Waits | undefined;
  /** Delegations without a key of their own, counted so that a replay meets the same sub-tasks. */
  let unnamed = 0;

  const hand = (key: string | undefined, tasks: readonly TaskSubmission[]): Promise<TaskResult[]> => {
    const name = key ?? `delegate:${unnamed++}`;
    const fault = checkKey(name, taskId);
    if (fault !== undefined) return fault;
    if (tasks.length === 0) return Promise.resolve([]);
    waits ??= new Waits(attempt);
    return waits.join(async () => {
      const { answer } = await attempt.call("delegate", { key: name, tasks: tasks.map(withJsonInput) });
      return answer.taskIds;
    });
  };

  const delegate = async (capability: string, input: unknown, options: DelegateOptions = {}) => {
    const { key, ...submission } = options;
    const [result] = await hand(key, [{ ...submission, capability, input }]);
    if (result?.status === "completed") return result.output;
    throw new DelegationError(result!);
  };
  return {
    hand,
    delegate: (capability: string, input: unknown, options?: DelegateOptions) =>
      tended(delegate(capability, input, options)),
    delegateAll: (tasks: readonly TaskSubmission[], { key }: { key?: string } = {}) =>
      tended(hand(key, tasks)),
  };
};

/** The journal keeps the sub-tasks of a task as well, under keys that a step must not take. */
const checkStepKey = (key: string): Promise<never> | undefined =>
  key.startsWith("delegate:")
    ? Promise.reject(
        new MusterError("invalid_request", `"${key}" cannot name a step: "delegate:" is for sub-tasks.`),
      )
    : undefined;

const withJsonInput = (task: TaskSubmission): TaskSubmission =>
  task.input === undefined ? task : { ...task, input: toJson(task.input, "The input of a sub-task") };

const checkKey = (key: string, taskId: string): Promise<never> | undefined => {
  if (typeof key === "string" && key.length >= 1 && key.length <= limits.keyLength) return undefined;
  return Promise.reject(
    new MusterError(
      "invalid_request",
      `A key of task ${taskId} is not a text of 1 to ${limits.keyLength} characters.`,
    ),
  );
};
