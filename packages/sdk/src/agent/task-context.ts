import type { Message, Priority, TaskResult, TaskSubmission } from "../protocol/index.ts";

/** How one task is delegated: everything of a submission but the capability and the input. */
export type DelegateOptions = Omit<TaskSubmission, "capability" | "input" | "ref" | "idempotencyKey"> & {
  /** Names this delegation within the task; by default its place among the task's delegations. */
  key?: string;
};

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
  /** Aborted when the task is cancelled, times out or goes to another agent: stop, nothing will be accepted. */
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
  /** To one agent by id or name; at most once. */
  send(to: string, payload: unknown): Promise<void>;
  broadcast(payload: unknown): Promise<void>;
  /** Asks another agent and waits for its answer: `no_reply` after `timeoutMs` (10 s), a `QueryError` if it refuses. */
  query<Answer = unknown>(to: string, payload: unknown, options?: { timeoutMs?: number }): Promise<Answer>;
  /** From 0 to 1. Sent at most every 250 ms; the last one always. */
  progress(fraction: number, message?: string): void;
  log(level: "debug" | "info" | "warn" | "error", message: string, fields?: Record<string, unknown>): void;
}

/** What an agent's `onMessage` and `onQuery` get. */
export type IncomingMessage = Pick<Message, "id" | "from" | "payload" | "sentAt">;
