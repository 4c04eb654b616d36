import type {
  Agent,
  AgentStatus,
  CancelReport,
  Deadlock,
  Event,
  EventType,
  Explanation,
  Run,
  RunDetail,
  RunStart,
  RunStatus,
  Task,
  TaskDetail,
  TaskStatus,
  TaskSubmission,
} from "../protocol/index.ts";

/**
 * Everything that a program can ask of an orchestrator: submit work, watch it, and look after it. Every call
 * rejects with a `MusterError`; a server that cannot be reached is the retryable `unavailable`.
 */
export interface Client {
  readonly tasks: TaskClient;
  readonly runs: RunClient;
  readonly agents: AgentClient;
  readonly events: EventClient;
  readonly keys: KeyClient;
  info(): Promise<ServerInfo>;
}

export interface ServerInfo {
  name: string;
  version: string;
  /** Number of the newest event: `events.follow({ after })` with it misses nothing from here on. */
  latestEvent: number;
}

export interface Page<T> {
  items: T[];
  /** Pass it as `before` to get the page behind this one; null at the end. */
  next: string | null;
}

export interface WaitOptions {
  /** Gives up with the error `timeout` after this long; without it, waits as long as it takes. */
  timeoutMs?: number;
  /** Stops waiting; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

export interface SubmittedTask {
  id: string;
  ref: string | null;
  status: TaskStatus;
  /** True where the caller's idempotency key was known and nothing was created. */
  duplicate: boolean;
}

export interface TaskFilter {
  status?: TaskStatus;
  capability?: string;
  runId?: string;
  parentId?: string;
  limit?: number;
  before?: string;
}

export interface TaskClient {
  /**
   * Hands in one task, or several that are all taken or none. A task without an idempotency key gets one of
   * its own for this call, so that a submission whose answer was lost is sent again and never doubles.
   */
  submit(task: TaskSubmission): Promise<SubmittedTask>;
  submit(tasks: readonly TaskSubmission[]): Promise<SubmittedTask[]>;
  get(id: string): Promise<TaskDetail>;
  /** Newest first. */
  list(filter?: TaskFilter): Promise<Page<Task>>;
  /** The task once it has ended, however it ended. */
  wait(id: string, options?: WaitOptions): Promise<TaskDetail>;
  cancel(id: string): Promise<CancelReport>;
  retry(id: string): Promise<Task>;
  explain(id: string): Promise<Explanation>;
  deadlocks(): Promise<Deadlock[]>;
}

export interface RunFilter {
  status?: RunStatus;
  workflow?: string;
  limit?: number;
  before?: string;
}

export interface RunClient {
  /** Like `tasks.submit`, sent again under a key of its own when the answer is lost. */
  start(request: RunStart): Promise<Run>;
  get(id: string): Promise<RunDetail>;
  list(filter?: RunFilter): Promise<Page<Run>>;
  /** The run once it has ended, however it ended. */
  wait(id: string, options?: WaitOptions): Promise<RunDetail>;
  cancel(id: string): Promise<CancelReport>;
  retry(id: string): Promise<Run>;
}

export interface AgentFilter {
  capability?: string;
  status?: AgentStatus;
  name?: string;
  minHealthScore?: number;
  maxLoadRatio?: number;
  tools?: readonly string[];
}

export interface AgentClient {
  list(filter?: AgentFilter): Promise<Agent[]>;
  get(id: string): Promise<Agent>;
  /** `maintenance` takes an agent out of discovery, `available` brings it back. */
  setStatus(id: string, status: "available" | "maintenance"): Promise<Agent>;
}

export interface EventFilter {
  taskId?: string;
  runId?: string;
  types?: readonly EventType[];
}

export interface EventClient {
  /** Kept events after a number, in order, and the number of the newest one. */
  read(
    filter?: EventFilter & { after?: number; limit?: number },
  ): Promise<{ items: Event[]; latest: number }>;
  /**
   * Every event after `after` in order, first those kept, then each as it happens; without `after`, only new
   * ones. Goes on after a lost connection without a gap or a repeat. Ends when the signal is aborted or the
   * loop is left; rejects when the server refuses (a wrong key, a bad filter).
   */
  follow(filter?: EventFilter & { after?: number; signal?: AbortSignal }): AsyncIterable<Event>;
}

export type Role = "admin" | "client" | "agent";

export interface ApiKey {
  id: string;
  name: string;
  role: Role;
  tenant: string;
  createdAt: string;
  revokedAt: string | null;
}

export interface KeyClient {
  /** The key itself is in this answer and nowhere else. */
  create(request: { name: string; role: Role; tenant?: string }): Promise<ApiKey & { key: string }>;
  list(): Promise<ApiKey[]>;
  revoke(id: string): Promise<ApiKey>;
}
