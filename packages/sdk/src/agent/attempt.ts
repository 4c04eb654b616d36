import {
  type AgentRequest,
  type AgentResponse,
  MusterError,
  type memoryOperations,
  type TaskAssignment,
} from "../protocol/index.ts";
import { type Clock, sleep } from "../time/clock.ts";
import type { Connection } from "./connection.ts";
import type { Slots } from "./slots.ts";
import type { HeldLease } from "./transport.ts";

/** Operations that act on a task under its lease and may be sent twice without harm. */
type LeaseOperation =
  | "settle"
  | "journal"
  | "usage"
  | "delegate"
  | "wait"
  | "lock"
  | "renewLock"
  | "unlock"
  | "readState"
  | "listState"
  | "watchState"
  | "listStateVersions"
  | "findAgents"
  | keyof typeof memoryOperations;

export interface AttemptHost {
  connection: Connection;
  clock: Clock;
  slots: Slots;
  /** The attempt is over or lost: nobody needs to find it any more. */
  forget: (attempt: Attempt) => void;
}

interface Resumption {
  promise: Promise<void>;
  resolve: () => void;
  reject: (error: Error) => void;
}

/**
 * One attempt at one task: its lease, and whether that is live. The lease token changes when the attempt goes
 * on after waiting; calls that were refused under the old token meanwhile are repeated under the new one.
 */
export class Attempt {
  readonly assignment: TaskAssignment;
  readonly #host: AttemptHost;
  #token: string;
  /** When the lease was last known to be live. */
  #liveAt: number;
  #gone: MusterError | undefined;
  #ended = false;
  #abort: AbortController | undefined;
  #holdsSlot = false;
  #parked = false;
  #waitsInFlight = 0;
  #handlerEnded = false;
  /** Told once that its lease is lost, while it may be on its way back under a new one. */
  #suspect = false;
  #resumption: Resumption | undefined;

  constructor(assignment: TaskAssignment, host: AttemptHost) {
    this.assignment = assignment;
    this.#host = host;
    this.#token = assignment.leaseToken;
    this.#liveAt = host.clock.now();
  }

  get lease(): HeldLease {
    return { taskId: this.assignment.taskId, leaseToken: this.#token };
  }

  /** Why nothing can be done under this attempt any more; undefined while it is live. */
  get gone(): MusterError | undefined {
    // Made when somebody asks for it: an error costs more than all else that an attempt needs.
    if (this.#ended) this.#gone ??= endedError(this.assignment.taskId);
    return this.#gone;
  }

  /** Its handler runs and counts against the agent's concurrency. */
  get holdsSlot(): boolean {
    return this.#holdsSlot;
  }

  /** Made when somebody asks for it: most handlers never do. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#gone !== undefined) this.#abort.abort(this.#gone);
    }
    return this.#abort.signal;
  }

  /** Calls `begin` once there is a slot, unless the attempt is gone by then. */
  start(begin: () => void): void {
    this.#host.slots.take(() => {
      if (this.#gone !== undefined) return false;
      this.#holdsSlot = true;
      begin();
      return true;
    });
  }

  /** The handler has returned or thrown; what is left is to settle. */
  handlerEnded(): void {
    this.#handlerEnded = true;
  }

  /** Settled, or given up: frees the slot. */
  end(): void {
    this.#ended = true;
    this.#host.forget(this);
    if (this.#holdsSlot) this.#host.slots.free();
    this.#holdsSlot = false;
  }

  /** The task is not this agent's any more: the handler is told to stop, and nothing more is reported. */
  lose(reason: string): void {
    if (this.#ended || this.#gone !== undefined) return;
    this.#gone = new MusterError("lease_lost", `Task ${this.assignment.taskId} was taken away: ${reason}.`, {
      hint: "Stop working on it; nothing more is accepted.",
      details: { reason },
    });
    this.#host.forget(this);
    this.#abort?.abort(this.#gone);
    this.#resumption?.reject(this.#gone);
  }

  /** A heartbeat said that the lease under `token` is live. */
  confirm(token: string): void {
    if (token !== this.#token) return;
    this.#liveAt = this.#host.clock.now();
    this.#suspect = false;
  }

  /**
   * A heartbeat said that the lease under `token` is lost. While the attempt waits for others, that may only
   * mean that its resumption is still under way; the next heartbeat decides.
   */
  deny(token: string): void {
    if (token !== this.#token) return;
    if (this.#mayBeParked && !this.#suspect) this.#suspect = true;
    else this.lose("its lease ended");
  }

  /** The same attempt goes on under a new lease. */
  takeOver(token: string): void {
    this.#token = token;
    this.confirm(token);
    if (!this.#parked || this.#handlerEnded) {
      this.#resume();
      return;
    }
    this.#host.slots.take(() => {
      if (this.#gone !== undefined || this.#handlerEnded || !this.#parked) return false;
      this.#parked = false;
      this.#holdsSlot = true;
      this.#resume();
      return true;
    });
  }

  /** Frees the slot until the attempt is resumed; at once where the resumption overtook the answer to `wait`. */
  async park(token: string): Promise<void> {
    if (token !== this.#token) return;
    if (this.gone !== undefined) throw this.gone;
    const resumed = this.#untilResumed();
    this.#parked = true;
    if (this.#holdsSlot) {
      this.#holdsSlot = false;
      this.#host.slots.free();
    }
    await resumed;
  }

  /** Waits, unless the attempt is lost meanwhile. */
  pause(delayMs: number): Promise<void> {
    return sleep(this.#host.clock, delayMs, this.signal);
  }

  /** One operation under the lease, repeated while the lease may be live; says which token it was done under. */
  async call<O extends LeaseOperation>(
    operation: O,
    body: Omit<AgentRequest<O>, keyof HeldLease>,
  ): Promise<{ answer: AgentResponse<O>; token: string }> {
    for (;;) {
      if (this.gone !== undefined) throw this.gone;
      const token = this.#token;
      const request = { taskId: this.assignment.taskId, leaseToken: token, ...body } as AgentRequest<O>;
      if (operation === "wait") this.#waitsInFlight++;
      try {
        const answer = await this.#host.connection.persist(operation, request, () => this.#mayBeLive);
        return { answer, token };
      } catch (error) {
        await this.#refused(error, token);
      } finally {
        if (operation === "wait") this.#waitsInFlight--;
      }
    }
  }

  /** Returns where the call is worth repeating; throws where it is not. */
  async #refused(error: unknown, token: string): Promise<void> {
    if (this.gone !== undefined) throw this.gone;
    if (!(error instanceof MusterError && error.code === "lease_lost")) throw error;
    if (token !== this.#token) return;
    if (!this.#mayBeParked) {
      this.lose("its lease ended");
      throw error;
    }
    this.#suspect = true;
    await this.#untilResumed();
  }

  /** Twice the lease leaves room for an orchestrator that was away itself; after that it is surely lost. */
  get #mayBeLive(): boolean {
    const { clock, connection } = this.#host;
    return this.gone === undefined && clock.now() < this.#liveAt + 2 * connection.session.leaseMs;
  }

  get #mayBeParked(): boolean {
    return this.#parked || this.#waitsInFlight > 0;
  }

  #untilResumed(): Promise<void> {
    if (this.#resumption === undefined) {
      let settle: Pick<Resumption, "resolve" | "reject"> | undefined;
      const promise = new Promise<void>((resolve, reject) => {
        settle = { resolve, reject };
      });
      // Whoever needs it awaits it; a lost lease that nobody waited on is no unhandled rejection.
      promise.catch(() => undefined);
      this.#resumption = { promise, ...settle! };
    }
    return this.#resumption.promise;
  }

  #resume(): void {
    this.#resumption?.resolve();
    this.#resumption = undefined;
  }
}

const endedError = (taskId: string): MusterError =>
  new MusterError("conflict", `Task ${taskId} has ended.`, {
    hint: "Await everything that the handler starts before it returns.",
  });
