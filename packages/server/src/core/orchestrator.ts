import type {
  Agent,
  AgentOperation,
  AgentRegistration,
  AgentResponse,
  AgentSession,
  AgentStatus,
  BudgetResume,
  CancelReport,
  DatabaseFacts,
  Deadlock,
  Event,
  EventType,
  Explanation,
  Message,
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
} from "@muster/sdk/protocol";
import type { Subscription } from "../ports/message-bus.ts";
import type { ArtifactService } from "./artifacts/artifacts.ts";
import type { BackupService } from "./backup/backup-service.ts";
import type { KeyService } from "./keys/keys.ts";
import type { MemoryService } from "./memory/memories.ts";
import type { StateService } from "./state/state-space.ts";

export type { ArtifactService, Artifacts } from "./artifacts/artifacts.ts";
export type { ApiKey, KeyService } from "./keys/keys.ts";
export type { Memories, MemoryService } from "./memory/memories.ts";
export type { ScheduleService } from "./schedules/schedules.ts";
export type { StateChangeFilter, StateChanges, StateService, StateSpace } from "./state/state-space.ts";

import type { LockService } from "./locks/lock-hands.ts";
import type { InboxService, PersonService } from "./people/people-services.ts";
import type {
  BreakerService,
  DeadLetterService,
  RetryPolicyService,
} from "./resilience/resilience-services.ts";
import type { ScheduleService } from "./schedules/schedules.ts";
import type { StateSnapshotService } from "./state-snapshots/state-snapshots.ts";
import type { TriggerService } from "./triggers/triggers.ts";

export type { LockHands, LockService } from "./locks/lock-hands.ts";
export type { InboxService, PersonService } from "./people/people-services.ts";
export type * from "./resilience/resilience-services.ts";
export type { StateSnapshotService, StateSnapshots } from "./state-snapshots/state-snapshots.ts";
export type { TriggerService } from "./triggers/triggers.ts";

/**
 * What an orchestrator offers, by subject. The HTTP API, the WebSocket gateway and the in-process library all
 * go through this and nothing beside it. Every call says who is asking; what another tenant owns is `not_found`.
 */
export interface Orchestrator {
  readonly tasks: TaskService;
  readonly deadLetters: DeadLetterService;
  readonly retryPolicies: RetryPolicyService;
  readonly runs: RunService;
  readonly schedules: ScheduleService;
  readonly triggers: TriggerService;
  readonly agents: AgentService;
  readonly breakers: BreakerService;
  readonly gateway: AgentGateway;
  readonly events: EventService;
  readonly streams: StreamService;
  readonly keys: KeyService;
  readonly nodes: NodeService;
  readonly rollouts: RolloutService;
  readonly artifacts: ArtifactService;
  readonly backups: BackupService;
  readonly state: StateService;
  readonly stateSnapshots: StateSnapshotService;
  readonly locks: LockService;
  readonly memories: MemoryService;
  readonly people: PersonService;
  readonly inbox: InboxService;
  /** Begins to dispatch and to keep up. */
  start(): Promise<void>;
  /** Hands out no more work, and lets what is under way be settled for up to `graceMs` (10 s). */
  drain(graceMs?: number): Promise<void>;
  /** Lets go. What is still under way comes back when its leases end. */
  stop(): Promise<void>;
}

export type Role = "admin" | "client" | "agent";

/** Who is asking. An `admin` of tenant `*` sees everything. */
export interface Principal {
  tenant: string;
  role: Role;
  name: string;
  /** The person whose key it is: in the inbox it acts as nobody else. */
  personId?: string;
}

export interface Page<T> {
  items: T[];
  /** Pass it as `before` to get the page behind this one; null at the end. */
  next: string | null;
}

export interface SubmittedTask {
  id: string;
  ref: string | null;
  status: TaskStatus;
  /** True where the idempotency key was known and nothing was created. */
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

export interface TaskService {
  /** All or none: a mistake in one refuses the submission and leaves no trace. */
  submit(tasks: readonly TaskSubmission[], principal: Principal): Promise<SubmittedTask[]>;
  get(id: string, principal: Principal): Promise<TaskDetail>;
  /** Newest first. */
  list(filter: TaskFilter, principal: Principal): Promise<Page<Task>>;
  /** The task as it is when it ended, or when `timeoutMs` are over. */
  wait(id: string, timeoutMs: number, principal: Principal, signal?: AbortSignal): Promise<TaskDetail>;
  /** Cancels the task and everything below it. A task that has ended: `not_cancellable`. */
  cancel(id: string, principal: Principal): Promise<CancelReport>;
  /** Gives a failed or cancelled task its attempts back. Anything else: `not_retryable`. */
  retry(id: string, principal: Principal): Promise<Task>;
  /** Raises the budget that the task brought along, and lets work under it go on; with runs alike. */
  resume(id: string, request: BudgetResume, principal: Principal): Promise<TaskDetail>;
  explain(id: string, principal: Principal): Promise<Explanation>;
  deadlocks(principal: Principal): Promise<Deadlock[]>;
}

export interface RunFilter {
  status?: RunStatus;
  workflow?: string;
  limit?: number;
  before?: string;
}

export interface RunService {
  start(request: RunStart, principal: Principal): Promise<Run>;
  get(id: string, principal: Principal): Promise<RunDetail>;
  list(filter: RunFilter, principal: Principal): Promise<Page<Run>>;
  wait(id: string, timeoutMs: number, principal: Principal, signal?: AbortSignal): Promise<RunDetail>;
  cancel(id: string, principal: Principal): Promise<CancelReport>;
  /** Runs again from the steps that failed; what completed stays. */
  retry(id: string, principal: Principal): Promise<Run>;
  resume(id: string, request: BudgetResume, principal: Principal): Promise<Run>;
}

/** Shares tasks of a capability out between two versions of its agents. */
export interface RolloutService {
  start(request: RolloutStart, principal: Principal): Promise<Rollout>;
  get(id: string, principal: Principal): Promise<RolloutDetail>;
  /** Newest first. */
  list(filter: RolloutFilter, principal: Principal): Promise<Page<Rollout>>;
  /** To the next step, or past all of them with `toEnd`. */
  promote(id: string, how: { toEnd?: boolean }, principal: Principal): Promise<Rollout>;
  /** Everything is the baseline's again. */
  abort(id: string, how: { reason?: string }, principal: Principal): Promise<Rollout>;
  /** One that has ended says no longer who gets tasks. */
  clear(id: string, principal: Principal): Promise<Rollout>;
}

export interface AgentFilter {
  capability?: string;
  status?: AgentStatus;
  name?: string;
  /** With `capability`: only those that could take a task now. */
  minHealthScore?: number;
  maxLoadRatio?: number;
  tools?: string[];
  /** What is to be done, in words: only those who fit, by words and by meaning, best first. */
  query?: string;
}

export interface AgentService {
  /** Live agents, least loaded first, or best first with `query`. */
  list(filter: AgentFilter, principal: Principal): Promise<Agent[]>;
  get(id: string, principal: Principal): Promise<Agent>;
  /** `maintenance` takes an agent out of discovery, `available` brings it back. */
  setStatus(id: string, status: "available" | "maintenance", principal: Principal): Promise<Agent>;
}

/** Why a line to an agent ends: the agent has another one or is gone, or this node is about to stop. */
export type LineEnd = "replaced" | "closing";

/** Called with each message for an agent that is connected here. */
export interface AgentLine {
  (message: Message): void;
  /** Nothing more comes this way. Answers what the agent has not got, which then goes another way. */
  end?(reason: LineEnd): readonly Message[];
}

/**
 * The door for agents. Transports (in process, WebSocket, HTTP) translate to it and decide nothing. It is one
 * door with many nodes: a session is good at each, and an agent is connected where it came last.
 */
export interface AgentGateway {
  /**
   * Registers an agent (again) and delivers its messages to `line` until it leaves, expires, or comes another way.
   * Null: it reads its own queue on the bus.
   */
  register(
    registration: AgentRegistration,
    principal: Principal,
    line: AgentLine | null,
  ): Promise<AgentSession>;
  /** The agent that a session token belongs to, whichever node it was opened at. */
  authenticate(session: string): Promise<{ agentId: string } | undefined>;
  /** Points the messages of a registered agent to another connection, here or from another node. */
  attach(agentId: string, session: string, line: AgentLine): Promise<void>;
  /** Whether the agent is connected here and has not gone to another node since. */
  isHome(agentId: string): Promise<boolean>;
  /** Runs one operation of a registered agent. The request is validated here. */
  request<O extends AgentOperation>(agentId: string, operation: O, body: unknown): Promise<AgentResponse<O>>;
  /** The connection is gone without a farewell: unless it comes back within the grace, the agent expires. */
  detach(agentId: string): void;
  /** This node is about to stop: agents lose their lines, and what they have not got waits for them at the bus. */
  handOver(): Promise<void>;
}

export interface EventFilter {
  taskId?: string;
  runId?: string;
  types?: readonly EventType[];
  /** Only changes of state in this project. */
  project?: string;
}

export interface EventService {
  /** Events after a number, in order, at most `limit` (500). */
  read(after: number, filter: EventFilter, principal: Principal, limit?: number): Promise<Event[]>;
  /** The number of the newest event. */
  latest(): Promise<number>;
  /**
   * Every event after `after` in order and without a gap, first those kept, then live ones. `onEvent` is
   * awaited, so a slow reader slows only itself.
   */
  subscribe(
    after: number,
    filter: EventFilter,
    principal: Principal,
    onEvent: (event: Event) => Promise<void> | void,
  ): Subscription;
}

/** A task, or all tasks of a run. */
export type Watched = { taskId: string } | { runId: string };
/** Takes a piece at once, or lets it go: nothing waits for a watcher. */
export type OnDelta = (delta: TextDelta) => void;

export interface StreamService {
  /**
   * What agents say from now on while they work. It may have gaps, which the next piece names. `not_found` for what is
   * another tenant's.
   */
  watch(watched: Watched, principal: Principal, onDelta: OnDelta): Promise<Subscription>;
}

/** Whoever works on a task proves it with the live lease. */
export interface TaskLease {
  agentId: string;
  taskId: string;
  leaseToken: string;
}

/** A process that serves this orchestrator; several may share one database. */
export interface NodeInfo {
  /** Another one after every start. */
  id: string;
  name: string;
  url: string | null;
  version: string;
  startedAt: string;
  lastSeen: string;
}

export interface NodeService {
  /** Lists this node from now on, until it leaves or falls silent. */
  announce(node: Pick<NodeInfo, "name" | "url" | "version">): Promise<void>;
  leave(): Promise<void>;
  list(principal: Principal): Promise<NodeInfo[]>;
  /** What database they work on. */
  database(principal: Principal): Promise<DatabaseFacts>;
}
