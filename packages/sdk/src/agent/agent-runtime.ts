import {
  type AgentRegistration,
  limits,
  type Message,
  type StopWork,
  type TaskAssignment,
} from "../protocol/index.ts";
import { Attempt, type AttemptHost } from "./attempt.ts";
import type { CapabilityTable } from "./capability-table.ts";
import { Connection } from "./connection.ts";
import type { AgentDefinition } from "./create-agent.ts";
import type { AgentEnvironment } from "./environment.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Inbox } from "./inbox.ts";
import { RecentTokens } from "./recent-tokens.ts";
import { Reports } from "./reports.ts";
import { type RunHost, runAttempt } from "./run-attempt.ts";
import { Slots } from "./slots.ts";
import { Streams } from "./streams.ts";
import type { AgentTransport } from "./transport.ts";

export interface RuntimeOptions {
  definition: AgentDefinition;
  registration: AgentRegistration;
  capabilities: CapabilityTable;
  transport: AgentTransport;
  environment: AgentEnvironment;
}

/** Lease tokens that are remembered, to know a repeated assignment. */
const rememberedTokens = 4_096;
/** Longest time for the last word to the orchestrator. */
const farewellMs = 2_000;

/**
 * An agent while it is connected. Messages come in and become attempts; every attempt runs in a slot; one
 * heartbeat speaks for all of them. What belongs to one attempt is in `Attempt`, the way of its work in
 * `runAttempt`, and what the handler sees in `createContext`.
 */
export class AgentRuntime {
  readonly #connection: Connection;
  readonly #heartbeat: Heartbeat;
  readonly #slots: Slots;
  readonly #inbox: Inbox;
  readonly #environment: AgentEnvironment;
  readonly #attemptHost: AttemptHost;
  readonly #runHost: RunHost;
  /** Live attempts by task: in line, at work, parked or being settled. */
  readonly #attempts = new Map<string, Attempt>();
  readonly #seen = new RecentTokens(rememberedTokens);
  readonly #size: number;
  #stopping = false;
  /** Called when the last handler has ended, while the agent is being stopped. */
  #onIdle: (() => void) | undefined;

  constructor({ definition, registration, capabilities, transport, environment }: RuntimeOptions) {
    this.#size = registration.maxConcurrency ?? 1;
    this.#slots = new Slots(this.#size);
    this.#environment = environment;
    this.#connection = new Connection({
      transport,
      registration,
      environment,
      onMessage: (message) => this.#receive(message),
      // Whether its leases outlived that is learned at once and not a heartbeat later.
      onRejoined: () => void this.#heartbeat.beat(),
    });
    this.#heartbeat = new Heartbeat({
      connection: this.#connection,
      environment,
      leases: () => [...this.#attempts.values()].map((attempt) => attempt.lease),
      isBusy: () => this.#stopping || this.#isClogged(),
      onAnswer: (sent, lost) => this.#learn(sent, lost),
    });
    this.#inbox = new Inbox({ definition, connection: this.#connection, onProblem: environment.onProblem });
    this.#attemptHost = {
      connection: this.#connection,
      clock: environment.clock,
      slots: this.#slots,
      forget: (attempt) => this.#forget(attempt),
    };
    const reports = new Reports(this.#connection, environment.clock);
    const { clock, onProblem } = environment;
    const streams = new Streams(this.#connection, clock);
    this.#runHost = { connection: this.#connection, reports, streams, clock, capabilities, onProblem };
  }

  get agentId(): string {
    return this.#connection.session.agentId;
  }

  async start(): Promise<void> {
    try {
      await this.#connection.open();
    } catch (error) {
      await this.#connection.close();
      throw error;
    }
    this.#heartbeat.start();
  }

  /** Registers anew, with other capabilities. Attempts that have begun keep the handlers that they began with. */
  async update(registration: AgentRegistration, capabilities: CapabilityTable): Promise<void> {
    this.#runHost.capabilities = capabilities;
    await this.#connection.renew(registration);
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    if (this.#slots.taken > 0 && graceMs > 0) {
      void this.#heartbeat.beat();
      await this.#within(
        graceMs,
        new Promise<void>((resolve) => {
          this.#onIdle = resolve;
        }),
      );
    }
    for (const attempt of [...this.#attempts.values()]) attempt.lose("the agent is stopping");
    this.#heartbeat.stop();
    const farewell = this.#connection.request("leave", {}).then(noop, noop);
    await this.#within(farewellMs, farewell);
    await this.#connection.close();
  }

  #within(limitMs: number, work: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#environment.clock.setTimer(limitMs, resolve);
      void work.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #receive(message: Message): void {
    // What other agents send can look like anything: only the orchestrator hands out work and takes it away.
    const isOfficial = message.from === "orchestrator";
    if (message.type === "task_request") {
      if (isOfficial && isAssignment(message.payload)) this.#assign(message.payload);
    } else if (message.type === "event" && isOfficial && isStopWork(message.payload)) {
      this.#attempts.get(message.payload.taskId)?.lose(message.payload.reason);
    } else {
      this.#inbox.receive(message);
    }
  }

  #assign(assignment: TaskAssignment): void {
    const current = this.#attempts.get(assignment.taskId);
    const isOld = current !== undefined && assignment.attempt < current.assignment.attempt;
    if (isOld || this.#slots.waiting >= limits.mailboxMessages) return;
    const goesOn = assignment.resumed && assignment.attempt === current?.assignment.attempt;
    if (this.#stopping && !goesOn) return;
    if (!this.#seen.add(assignment.leaseToken)) return;
    if (current !== undefined && goesOn) {
      current.takeOver(assignment.leaseToken);
    } else {
      current?.lose("it was handed out anew");
      this.#begin(assignment);
    }
  }

  #begin(assignment: TaskAssignment): void {
    const attempt = new Attempt(assignment, this.#attemptHost);
    this.#attempts.set(assignment.taskId, attempt);
    attempt.start(() => {
      void runAttempt(attempt, this.#runHost).finally(() => {
        if (this.#slots.taken === 0) this.#onIdle?.();
      });
    });
  }

  #forget(attempt: Attempt): void {
    const { taskId } = attempt.assignment;
    if (this.#attempts.get(taskId) === attempt) this.#attempts.delete(taskId);
  }

  #learn(sent: readonly { taskId: string; leaseToken: string }[], lost: ReadonlySet<string>): void {
    for (const { taskId, leaseToken } of sent) {
      const attempt = this.#attempts.get(taskId);
      if (lost.has(taskId)) attempt?.deny(leaseToken);
      else attempt?.confirm(leaseToken);
    }
  }

  /** Handlers that ignore their signal after the task was taken away fill the slots: no more work until they end. */
  #isClogged(): boolean {
    if (this.#slots.taken < this.#size) return false;
    let live = 0;
    for (const attempt of this.#attempts.values()) if (attempt.holdsSlot) live++;
    return live < this.#slots.taken;
  }
}

const noop = () => undefined;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

const isAssignment = (payload: unknown): payload is TaskAssignment =>
  isRecord(payload) &&
  typeof payload.taskId === "string" &&
  typeof payload.leaseToken === "string" &&
  Array.isArray(payload.journal);

const isStopWork = (payload: unknown): payload is StopWork =>
  isRecord(payload) && payload.event === "task.stop" && typeof payload.taskId === "string";
