import type { ArtifactClient } from "../client/artifact-client.ts";
import type { LockHands, LockHolding, LockOptions } from "../client/lock-client.ts";
import type { AgentMemory } from "../client/memory-client.ts";
import type { AgentState } from "../client/state-client.ts";
import type {
  AgentSearch,
  Approval,
  FoundAgent,
  Message,
  Priority,
  Question,
  TaskResult,
  TaskSubmission,
  UsageAnswer,
} from "../protocol/index.ts";

/** How one task is delegated: everything of a submission but the capability and the input. */
export type DelegateOptions = Omit<TaskSubmission, "capability" | "input" | "ref" | "idempotencyKey"> & {
  /** Names this delegation within the task; by default its place among the task's delegations. */
  key?: string;
};

/** How people are asked: whom, how long, and what becomes of it when nobody answers. */
export type AskOptions = Omit<Question, "text" | "schema" | "approval"> &
  Pick<TaskSubmission, "input" | "priority" | "deadlineMs"> & {
    /** Names this question within the task; by default its place among the task's questions. */
    key?: string;
  };

/** What a call costs: money in millionths, and tokens. */
export interface Spending {
  moneyMicros?: number;
  tokens?: number;
}

/** What a handler has in its hands while it works on one task. */
export interface TaskContext<Input = unknown> {
  readonly taskId: string;
  readonly runId: string | null;
  readonly capability: string | null;
  readonly input: Input;
  readonly priority: Priority;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /**
   * Aborted when the task is cancelled, times out or goes to another agent: stop, nothing will be accepted. Its reason is a
   * `MusterError` whose `details.reason` is `cancelled` where nobody will go on with the task.
   */
  readonly signal: AbortSignal;
  /**
   * Does `work` once per task: its result (JSON) is journaled, and a later attempt gets it from the journal.
   * The result is what JSON makes of it (dates are texts, `undefined` is null), the first time as well. Keys may not
   * begin with `delegate:`. A step that failed may be tried again.
   * A crash between the end of `work` and the journal entry repeats it, so give effects an idempotency key.
   */
  step<T>(key: string, work: () => Promise<T> | T): Promise<T>;
  /**
   * Hands a task to whoever has the capability and waits for its output; the slot is free meanwhile. Rejects with a
   * `DelegationError` when the sub-task fails or is cancelled.
   */
  delegate<Output = unknown>(capability: string, input: unknown, options?: DelegateOptions): Promise<Output>;
  /** Fans out and joins: every result in order, however each ended. */
  delegateAll(tasks: readonly TaskSubmission[], options?: { key?: string }): Promise<TaskResult[]>;
  /**
   * Asks people and waits for the answer, which fits the JSON Schema (a text, without one); the slot is free meanwhile, and
   * the task's timeout stands still. Asked once per key, also over attempts. Rejects with a `DelegationError` when nobody
   * answers: declined by all (`declined`), too late (`expired`), or cancelled.
   */
  ask<Answer = string>(
    question: string,
    schema?: Record<string, unknown> | boolean,
    options?: AskOptions,
  ): Promise<Answer>;
  /** Asks for a yes or a no. What nobody answers rejects, as with `ask`: it is no yes. */
  approve(question: string, options?: AskOptions): Promise<Approval>;
  /**
   * Counts what was spent against the budgets that the task is under. The same key counts once, also over attempts: a
   * call's own id makes a good one.
   */
  spend(key: string, used: Spending): Promise<UsageAnswer>;
  /**
   * Does `work` only if the budgets have room for `most`, which stays reserved until it is known what it really cost
   * (`used`). A `work` that fails counts in full, unless its error says in `used` what it cost. Rejects with
   * `budget_reached` before anything is spent: let it end the handler, and the task goes on once its budget is raised.
   */
  withinBudget<T>(key: string, most: Spending, work: () => Promise<{ value: T; used: Spending }>): Promise<T>;
  /**
   * Live agents that may do work for the tenant whose task this is, best first: by how well they fit the words, then by
   * how little they have to do. Without words, all of them.
   */
  findAgents(search?: AgentSearch): Promise<FoundAgent[]>;
  /** To one agent by id or name; at most once. */
  send(to: string, payload: unknown): Promise<void>;
  broadcast(payload: unknown): Promise<void>;
  /** Asks another agent and waits for its answer: `no_reply` after `timeoutMs` (10 s), a `QueryError` if it refuses. */
  query<Answer = unknown>(to: string, payload: unknown, options?: { timeoutMs?: number }): Promise<Answer>;
  /**
   * Does `work` under a lock, as `hold` of `locks`: renewed meanwhile, released at the end, and with this attempt in
   * any case. `waitMs` is how long to stand in line, none by default; then it rejects with `timeout`.
   */
  lock<T>(resource: string, options: LockOptions, work: (lock: LockHolding) => Promise<T> | T): Promise<T>;
  /** Locks of the tenant whose task this is, held for no longer than this attempt. */
  readonly locks: LockHands;
  /** Files of the tenant whose task this is, for as long as the task is this attempt's. */
  readonly artifacts: ArtifactClient;
  /** State documents of the tenant whose task this is, for as long as the task is this attempt's. */
  readonly state: AgentState;
  /** Memories of the tenant whose task this is: the agent's own, those of a project, and global ones. */
  readonly memory: AgentMemory;
  /** As `remember` of `memory`: its own where nothing else is said. */
  remember: AgentMemory["remember"];
  /** As `recall` of `memory`. */
  recall: AgentMemory["recall"];
  /** From 0 to 1. Sent at most every 250 ms; the last one always. */
  progress(fraction: number, message?: string): void;
  /**
   * Shows what the agent says just now to whoever watches the task; kept nowhere, and lost where nobody does. A higher `turn`
   * begins a new text; `isRestart` takes back what came of this one. Sent at most ten times a second.
   */
  stream(text: string, options?: { turn?: number; isRestart?: boolean }): void;
  log(level: "debug" | "info" | "warn" | "error", message: string, fields?: Record<string, unknown>): void;
}

/** What an agent's `onMessage` and `onQuery` get. */
export type IncomingMessage = Pick<Message, "id" | "from" | "payload" | "sentAt">;
