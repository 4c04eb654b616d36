import type {
  Agent,
  AgentOperation,
  AgentRegistration,
  AgentResponse,
  AgentSession,
  AgentStatus,
  CancelReport,
  Deadlock,
  Event,
  EventType,
  Explanation,
  Message,
  Run,
  RunDetail,
  RunStart,
  RunStatus,
  Task,
  TaskDetail,
  TaskStatus,
  TaskSubmission,
} from "@muster/sdk/protocol";
import type { Subscription } from "../ports/message-bus.ts";

/**
 * What an orchestrator offers, by subject. The HTTP API, the WebSocket gateway and the in-process library all
 * go through this and nothing beside it. Every call says who is asking; what another tenant owns is `not_found`.
 */
export interface Orchestrator {
  readonly tasks: TaskService;
  readonly runs: RunService;
  readonly agents: AgentService;
  readonly gateway: AgentGateway;
  readonly events: EventService;
  readonly keys: KeyService;
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
}

export interface AgentFilter {
  capability?: string;
  status?: AgentStatus;
  name?: string;
  /** With `capability`: only those that could take a task now. */
  minHealthScore?: number;
  maxLoadRatio?: number;
  tools?: string[];
}

export interface AgentService {
  /** Live agents, least loaded first. */
  list(filter: AgentFilter, principal: Principal): Promise<Agent[]>;
  get(id: string, principal: Principal): Promise<Agent>;
  /** `maintenance` takes an agent out of discovery, `available` brings it back. */
  setStatus(id: string, status: "available" | "maintenance", principal: Principal): Promise<Agent>;
}

/** The door for agents. Transports (in process, WebSocket, HTTP) translate to it and decide nothing. */
export interface AgentGateway {
  /**
   * Registers an agent (again) and delivers its messages to `deliver` until it leaves, expires, or another
   * connection registers under the same id and session.
   */
  register(
    registration: AgentRegistration,
    principal: Principal,
    deliver: (message: Message) => void,
  ): Promise<AgentSession>;
  /** The agent that a session token belongs to. */
  authenticate(session: string): { agentId: string } | undefined;
  /** Points the messages of a registered agent to another connection, as after a reconnect. */
  attach(agentId: string, deliver: (message: Message) => void): void;
  /** Runs one operation of a registered agent. The request is validated here. */
  request<O extends AgentOperation>(agentId: string, operation: O, body: unknown): Promise<AgentResponse<O>>;
  /** The connection is gone without a farewell: unless it comes back within the grace, the agent expires. */
  detach(agentId: string): void;
}

export interface EventFilter {
  taskId?: string;
  runId?: string;
  types?: readonly EventType[];
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

export interface ApiKey {
  id: string;
  name: string;
  role: Role;
  tenant: string;
  createdAt: string;
  revokedAt: string | null;
}

export interface KeyService {
  /** Null for a key that is unknown or revoked. Keys are kept as hashes. */
  authenticate(key: string): Promise<Principal | null>;
  /** The key itself is in this answer and nowhere else. */
  create(
    request: { name: string; role: Role; tenant: string },
    principal: Principal,
  ): Promise<ApiKey & { key: string }>;
  list(principal: Principal): Promise<ApiKey[]>;
  revoke(id: string, principal: Principal): Promise<ApiKey>;
  /** Creates the first admin key where there is none; null where there is one already. */
  bootstrap(): Promise<string | null>;
}
