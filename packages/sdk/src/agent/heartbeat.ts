import { type AgentStatus, limits, MusterError } from "../protocol/index.ts";
import type { Timer } from "../time/clock.ts";
import type { Connection } from "./connection.ts";
import type { AgentEnvironment } from "./environment.ts";
import type { HeldLease } from "./transport.ts";

interface HeartbeatOptions {
  connection: Connection;
  environment: AgentEnvironment;
  /** Every lease that the agent holds now. */
  leases: () => HeldLease[];
  /** Whether the agent can take no more work for now. */
  isBusy: () => boolean;
  /** What the orchestrator said: which of the leases that were sent are lost; all others are prolonged. */
  onAnswer: (sent: readonly HeldLease[], lost: ReadonlySet<string>) => void;
}

/** Leases in one heartbeat; the protocol takes no more. */
const mostLeases = limits.agentConcurrency * 2;

/**
 * Tells the orchestrator from time to time that the agent lives and which leases it holds, and learns which of
 * them are lost. One timer for all tasks; a beat is left out while the one before it is still under way.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #timer: Timer | undefined;
  #beating: Promise<void> | undefined;
  #stopped = false;
  #failing = false;
  #saidBusy = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#stopped) return;
    const { connection, environment } = this.#options;
    // Spread a little, so that agents that started together do not beat together for ever.
    const delayMs = connection.session.heartbeatMs * (0.9 + 0.1 * environment.random.next());
    this.#timer = environment.clock.setTimer(delayMs, () => {
      if (this.#beating === undefined) void this.beat();
      this.start();
    });
  }

  /** Sends one now, behind the one that is under way. Resolves when it was answered or has failed. */
  beat(): Promise<void> {
    const previous = this.#beating ?? Promise.resolve();
    const beating = previous
      .then(() => this.#send())
      .then(
        () => {
          this.#failing = false;
        },
        (error: unknown) => {
          // Said once per outage; the transport and the next beats go on trying.
          if (!this.#failing && !this.#stopped) this.#options.environment.onProblem(describe(error));
          this.#failing = true;
        },
      )
      .finally(() => {
        if (this.#beating === beating) this.#beating = undefined;
      });
    this.#beating = beating;
    return beating;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #send(): Promise<void> {
    const held = this.#options.leases();
    const status = this.#status();
    for (let from = 0; from === 0 || from < held.length; from += mostLeases) {
      const tasks = held.slice(from, from + mostLeases);
      const { lost } = await this.#options.connection.request("heartbeat", { ...status, tasks });
      if (!this.#stopped) this.#options.onAnswer(tasks, new Set(lost));
    }
    this.#saidBusy = status.status === "busy";
  }

  /** Busy is said as long as it lasts, since a new registration forgets it; available only to take it back. */
  #status(): { status?: AgentStatus } {
    if (this.#options.isBusy()) return { status: "busy" };
    return this.#saidBusy ? { status: "available" } : {};
  }
}

const describe = (error: unknown): Error => {
  if (!(error instanceof MusterError)) return error instanceof Error ? error : new Error(String(error));
  return new MusterError(error.code, `A heartbeat failed, more will be sent: ${error.message}`, {
    cause: error,
  });
};
