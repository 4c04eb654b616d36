import { randomUUID } from "node:crypto";
import { compileCheck } from "../src/agent/compile-check.ts";
import type { AgentTransport } from "../src/agent/transport.ts";
import {
  type AgentOperation,
  type AgentRegistration,
  type AgentRequest,
  type AgentSession,
  agentOperations,
  isFinal,
  type Message,
  MusterError,
  type StopWork,
  type TaskAssignment,
  type TaskError,
  type TaskSubmission,
} from "../src/protocol/index.ts";
import { createFakeOperations } from "./fake-operations.ts";
import type { FakeTask } from "./fake-task.ts";
import { createFakeTransport } from "./fake-transport.ts";

export interface FakeAgent {
  registration: AgentRegistration & { id: string };
  session: string;
  deliver: (message: Message) => void;
}

export interface FakeOptions {
  heartbeatMs?: number;
  leaseMs?: number;
}

type Body = Record<string, unknown>;

const checks = new Map<string, ReturnType<typeof compileCheck>>();

export interface UsageSaid {
  taskId: string;
  key: string;
  kind: "reserve" | "spent";
  moneyMicros: number;
  tokens: number;
}

/**
 * An orchestrator in a hundred lines, for tests of the runtime: leases with tokens, a journal, delegation,
 * parking and resuming, all in memory and at once. Time does not pass in it; tests end leases by hand.
 */
export class FakeOrchestrator {
  readonly tasks = new Map<string, FakeTask>();
  readonly agents = new Map<string, FakeAgent>();
  /** Every request, in order. */
  readonly requests: { operation: AgentOperation; body: Body; agentId: string }[] = [];
  /** What was said of spending, and how a test answers it. */
  readonly usage: UsageSaid[] = [];
  budget = (said: UsageSaid): { granted: boolean; retryAfterMs?: number } => {
    this.usage.push(said);
    return { granted: true };
  };
  /** What agents said, and whether anybody watches them. */
  readonly speech = { isWatched: true, said: [] as unknown[] };
  /** Every result that was accepted. */
  readonly accepted: { taskId: string; outcome: AgentRequest<"settle">["outcome"] }[] = [];
  /** Called before an operation is done; throwing refuses it. */
  before: (operation: AgentOperation, body: Body) => void = () => {};
  /** Called after an operation was done; throwing loses the answer. */
  after: (operation: AgentOperation, body: Body) => void = () => {};
  /** Capabilities that are done at once, without an agent. */
  readonly scripts = new Map<string, (input: unknown) => unknown>();
  readonly #options: Required<FakeOptions>;
  readonly #operations = createFakeOperations(this);
  /** Sessions of processes that are gone. */
  readonly #dead = new Set<string>();

  constructor(options: FakeOptions = {}) {
    this.#options = { heartbeatMs: 10_000, leaseMs: 30_000, ...options };
  }

  /** A connection of one agent process, as the library would hand it in. */
  transport(): AgentTransport {
    return createFakeTransport(this);
  }

  /** Whether the process that had this session is gone. */
  isDead(session: string): boolean {
    return this.#dead.has(session);
  }

  register(registration: AgentRegistration, deliver: (message: Message) => void): AgentSession {
    const id = registration.id ?? randomUUID();
    const session = randomUUID();
    this.agents.set(id, { registration: { ...registration, id }, session, deliver });
    queueMicrotask(() => this.dispatch());
    return { agentId: id, session, heartbeatMs: this.#options.heartbeatMs, leaseMs: this.#options.leaseMs };
  }

  attach(agentId: string, deliver: (message: Message) => void): void {
    const agent = this.agents.get(agentId);
    if (agent === undefined) throw new MusterError("agent_unknown", "No such agent.");
    agent.deliver = deliver;
  }

  authenticate(session: string): string | undefined {
    return [...this.agents.values()].find((agent) => agent.session === session)?.registration.id;
  }

  request(agentId: string, operation: AgentOperation, body: unknown): unknown {
    const sent = JSON.parse(JSON.stringify(body)) as Body;
    this.requests.push({ operation, body: sent, agentId });
    const agent = this.agents.get(agentId);
    if (agent === undefined) throw new MusterError("agent_unknown", "No such agent.");
    this.before(operation, sent);
    const schema = agentOperations[operation].request as unknown as Record<string, unknown>;
    const check = checks.get(operation) ?? compileCheck(schema, operation);
    checks.set(operation, check);
    const fault = check(sent);
    if (fault !== undefined) throw new MusterError("invalid_request", `${operation}: ${fault.message}`);
    const answer = this.#operations[operation](agent, sent as never);
    this.after(operation, sent);
    return JSON.parse(JSON.stringify(answer));
  }

  submit(submission: TaskSubmission, parentId: string | null = null): FakeTask {
    const task: FakeTask = {
      id: randomUUID(),
      capability: submission.capability ?? null,
      input: submission.input ?? null,
      status: "ready",
      attempt: 0,
      maxAttempts: submission.retry?.maxAttempts ?? 4,
      token: undefined,
      agentId: undefined,
      parentId,
      resumed: false,
      journal: [],
      delegations: new Map(),
      waitsFor: undefined,
      output: null,
      error: null,
    };
    this.tasks.set(task.id, task);
    queueMicrotask(() => this.dispatch());
    return task;
  }

  task(id: string): FakeTask {
    const task = this.tasks.get(id);
    if (task === undefined) throw new MusterError("not_found", `No task ${id}.`);
    return task;
  }

  /** Ends a task from outside, as an agent elsewhere would. */
  finish(id: string, output: unknown): void {
    this.end(this.task(id), { status: "completed", output });
  }

  failTask(id: string, error: TaskError): void {
    this.end(this.task(id), { status: "failed", error });
  }

  cancel(id: string): void {
    const task = this.task(id);
    const { agentId } = task;
    this.end(task, { status: "cancelled" });
    const payload: StopWork = { event: "task.stop", taskId: id, reason: "cancelled" };
    if (agentId !== undefined) this.send(agentId, { type: "event", payload });
  }

  /** The lease ends and nobody says so: the task goes to the next agent. */
  expire(id: string, dispatch = true): void {
    const task = this.task(id);
    Object.assign(task, {
      status: "ready",
      token: undefined,
      agentId: undefined,
      resumed: false,
      waitsFor: undefined,
    });
    if (dispatch) this.dispatch();
  }

  /** The process of an agent is gone, with its leases. */
  crash(agentId: string): void {
    this.#dead.add(this.agents.get(agentId)?.session ?? "");
    this.agents.delete(agentId);
    for (const task of this.tasks.values()) {
      if (task.agentId === agentId && !isFinal(task.status)) this.expire(task.id, false);
    }
    this.dispatch();
  }

  send(agentId: string, message: Partial<Message>): void {
    const full = {
      id: randomUUID(),
      from: "orchestrator",
      to: agentId,
      correlationId: randomUUID(),
      sentAt: new Date(0).toISOString(),
      ...message,
    } as Message;
    this.agents.get(agentId)?.deliver(JSON.parse(JSON.stringify(full)));
  }

  assignmentOf(task: FakeTask): TaskAssignment {
    return {
      taskId: task.id,
      leaseToken: task.token as string,
      capability: task.capability,
      input: task.input,
      priority: "medium",
      attempt: task.attempt,
      maxAttempts: task.maxAttempts,
      timeoutAt: new Date(0).toISOString(),
      runId: null,
      parentId: task.parentId,
      resumed: task.resumed,
      journal: task.journal,
    };
  }

  dispatch(): void {
    for (const task of this.tasks.values()) {
      if (task.status !== "ready") continue;
      const script = this.scripts.get(task.capability ?? "");
      if (script !== undefined) this.#runScript(task, script);
      else this.#hand(task);
    }
  }

  #hand(task: FakeTask): void {
    const agent = [...this.agents.values()]
      .filter(({ registration }) => registration.capabilities.some(({ name }) => name === task.capability))
      .filter(({ registration }) => this.loadOf(registration.id) < (registration.maxConcurrency ?? 1))
      .sort(
        (a, b) => Number(b.registration.id === task.agentId) - Number(a.registration.id === task.agentId),
      )[0];
    if (agent === undefined) return;
    task.status = "in_progress";
    task.token = randomUUID();
    task.agentId = agent.registration.id;
    if (!task.resumed) task.attempt++;
    this.send(agent.registration.id, {
      type: "task_request",
      taskId: task.id,
      payload: this.assignmentOf(task),
    });
  }

  loadOf(agentId: string): number {
    return [...this.tasks.values()].filter(
      (task) => task.agentId === agentId && task.status === "in_progress",
    ).length;
  }

  #runScript(task: FakeTask, script: (input: unknown) => unknown): void {
    try {
      this.end(task, { status: "completed", output: script(task.input) });
    } catch (error) {
      this.end(task, {
        status: "failed",
        error: { code: "script_error", message: (error as Error).message },
      });
    }
  }

  end(
    task: FakeTask,
    end:
      | { status: "completed"; output?: unknown }
      | { status: "failed"; error: TaskError }
      | { status: "cancelled" },
  ): void {
    task.status = end.status;
    task.output = end.status === "completed" ? (end.output ?? null) : null;
    task.error = end.status === "failed" ? end.error : null;
    task.token = undefined;
    for (const parent of this.tasks.values()) {
      if (parent.status !== "waiting" || !this.canGoOn(parent)) continue;
      Object.assign(parent, { status: "ready", resumed: true, waitsFor: undefined });
    }
    queueMicrotask(() => this.dispatch());
  }

  canGoOn({ waitsFor }: FakeTask): boolean {
    if (waitsFor === undefined) return false;
    const ended = waitsFor.taskIds.map((id) => isFinal(this.task(id).status));
    return waitsFor.mode === "all" ? ended.every(Boolean) : ended.some(Boolean);
  }

  live({ taskId, leaseToken }: { taskId: string; leaseToken: string }): FakeTask {
    const task = this.tasks.get(taskId);
    if (task === undefined || task.token !== leaseToken || isFinal(task.status)) {
      throw new MusterError("lease_lost", `The lease on task ${taskId} is lost.`);
    }
    return task;
  }

  /** What a query is answered with. */
  answer: (payload: unknown) => unknown = (payload) => payload;
}
