import type {
  Agent,
  AgentStatus,
  Backup,
  BackupJob,
  BackupListing,
  BackupRequest,
  Breaker,
  BreakerClosing,
  BreakerOpening,
  BreakerState,
  BudgetResume,
  CancelReport,
  DeadLetter,
  DeadLetterFilter,
  DeadLetterReport,
  DeadLetterSelection,
  Deadlock,
  Event,
  EventType,
  Explanation,
  PrunedBackups,
  RetryPolicySetting,
  RetryPolicyUpdate,
  Rollout,
  RolloutDetail,
  RolloutFilter,
  RolloutStart,
  Run,
  RunDetail,
  RunStart,
  RunStatus,
  Task,
  TaskDetail,
  TaskStatus,
  TaskSubmission,
  TextDelta,
} from "../protocol/index.ts";

import type { ArtifactClient } from "./artifact-client.ts";
import type { InboxClient, PeopleClient } from "./inbox-client.ts";
import type { LockClient } from "./lock-client.ts";
import type { MemoryClient } from "./memory-client.ts";
import type { NodeClient } from "./node-client.ts";
import type { ScheduleClient } from "./schedule-client.ts";
import type { StateClient } from "./state-client.ts";
import type { TriggerClient } from "./trigger-client.ts";

/**
 * Everything that a program can ask of an orchestrator: submit work, watch it, and look after it. Every call
 * rejects with a `MusterError`; a server that cannot be reached is the retryable `unavailable`.
 */
export interface Client {
  readonly tasks: TaskClient;
  readonly deadLetters: DeadLetterClient;
  readonly retryPolicies: RetryPolicyClient;
  readonly runs: RunClient;
  readonly schedules: ScheduleClient;
  readonly triggers: TriggerClient;
  readonly agents: AgentClient;
  readonly breakers: BreakerClient;
  readonly events: EventClient;
  readonly keys: KeyClient;
  readonly nodes: NodeClient;
  readonly backups: BackupClient;
  readonly rollouts: RolloutClient;
  readonly artifacts: ArtifactClient;
  readonly locks: LockClient;
  readonly people: PeopleClient;
  readonly inbox: InboxClient;
  readonly state: StateClient;
  readonly memory: MemoryClient;
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
  /**
   * What the agent at work says, as it says it: live, with gaps where somebody is slow, and from now on. Goes on until the
   * signal is aborted, over reconnects; `wait` says when the task has ended.
   */
  watch(id: string, options?: { signal?: AbortSignal }): AsyncIterable<TextDelta>;
  cancel(id: string): Promise<CancelReport>;
  retry(id: string): Promise<Task>;
  /** Raises the budget that the task brought along, and lets work under it go on. */
  resume(id: string, request?: BudgetResume): Promise<TaskDetail>;
  explain(id: string): Promise<Explanation>;
  deadlocks(): Promise<Deadlock[]>;
}

/** Tasks that failed for good, by themselves, and that nobody has seen to yet. */
export interface DeadLetterClient {
  /** Newest first. */
  list(filter?: DeadLetterFilter & { limit?: number; before?: string }): Promise<Page<DeadLetter>>;
  /**
   * Gives them their attempts back, up to 100 in one call: `next` in the answer says where to go on. A call whose answer
   * was lost can be made again: what runs by then is skipped.
   */
  retry(selection: DeadLetterSelection): Promise<DeadLetterReport>;
  /** Takes them off the list; their tasks stay failed. */
  drop(selection: DeadLetterSelection): Promise<DeadLetterReport>;
}

/** What operators say of retries, by capability. */
export interface RetryPolicyClient {
  list(): Promise<RetryPolicySetting[]>;
  get(capability: string, options?: { tenant?: string }): Promise<RetryPolicySetting>;
  /** Replaces what was set before. For admins; one of all tenants sets it for `tenant`, or for all. */
  set(capability: string, update: RetryPolicyUpdate): Promise<RetryPolicySetting>;
  remove(capability: string, options?: { tenant?: string }): Promise<RetryPolicySetting>;
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
  /** The run once it has ended, however it ended, or pauses because its budget was reached. */
  wait(id: string, options?: WaitOptions): Promise<RunDetail>;
  /** What the agents of the run say, as with a task. */
  watch(id: string, options?: { signal?: AbortSignal }): AsyncIterable<TextDelta>;
  cancel(id: string): Promise<CancelReport>;
  retry(id: string): Promise<Run>;
  /** Raises its budget, and lets it go on where it had been reached. */
  resume(id: string, request?: BudgetResume): Promise<Run>;
}

export interface AgentFilter {
  capability?: string;
  status?: AgentStatus;
  name?: string;
  minHealthScore?: number;
  maxLoadRatio?: number;
  tools?: readonly string[];
  /** What is to be done, in words: only those who fit, by words and by meaning, best first. */
  query?: string;
}

export interface AgentClient {
  list(filter?: AgentFilter): Promise<Agent[]>;
  get(id: string): Promise<Agent>;
  /** `maintenance` takes an agent out of discovery, `available` brings it back. */
  setStatus(id: string, status: "available" | "maintenance"): Promise<Agent>;
}

export interface BreakerClient {
  /** Those of live agents, and those of others that are not closed; open ones first. */
  list(filter?: { state?: BreakerState }): Promise<Breaker[]>;
  get(agentId: string): Promise<Breaker>;
  /** The agent gets no more work, for a time or until its breaker is closed. */
  open(agentId: string, request: BreakerOpening): Promise<Breaker>;
  close(agentId: string, request?: BreakerClosing): Promise<Breaker>;
}

export interface EventFilter {
  taskId?: string;
  runId?: string;
  types?: readonly EventType[];
  /** Only changes of state in this project. */
  project?: string;
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

/** Snapshots of everything, for admins of all tenants. */
export interface BackupClient {
  /** Begins to write one. `conflict` while another job is under way. */
  create(request?: BackupRequest): Promise<BackupJob>;
  /** Begins to restore one for a trial. */
  verify(id: string): Promise<BackupJob>;
  /** A job as it is, or once it is over where that is within about `waitMs`: ask again until it is. */
  job(id: string, waitMs?: number): Promise<BackupJob>;
  list(): Promise<BackupListing>;
  get(id: string): Promise<Backup>;
  /** Removes what the server's retention does not keep. */
  prune(options?: { dryRun?: boolean }): Promise<PrunedBackups>;
}

/** Shares tasks of a capability out between two versions of its agents. Changes are for admins. */
export interface RolloutClient {
  start(request: RolloutStart): Promise<Rollout>;
  get(id: string): Promise<RolloutDetail>;
  /** Newest first. */
  list(filter?: RolloutFilter): Promise<Page<Rollout>>;
  /** To the next step, or past all of them with `toEnd`. */
  promote(id: string, how?: { toEnd?: boolean }): Promise<Rollout>;
  /** Everything is the baseline's again. */
  abort(id: string, how?: { reason?: string }): Promise<Rollout>;
  /** One that has ended says no longer who gets tasks. */
  clear(id: string): Promise<Rollout>;
}

export type Role = "admin" | "client" | "agent";

export interface ApiKey {
  id: string;
  name: string;
  role: Role;
  tenant: string;
  createdAt: string;
  revokedAt: string | null;
  /** Left out where it is no person's. */
  personId?: string;
}

export interface KeyClient {
  /** The key itself is in this answer and nowhere else. With a person's name it acts in the inbox as that one. */
  create(request: {
    name: string;
    role: Role;
    tenant?: string;
    person?: string;
  }): Promise<ApiKey & { key: string }>;
  list(): Promise<ApiKey[]>;
  revoke(id: string): Promise<ApiKey>;
}
