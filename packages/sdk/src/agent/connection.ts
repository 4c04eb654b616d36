import type { ArtifactAccess } from "../client/artifact-access.ts";
import {
  type AgentOperation,
  type AgentRegistration,
  type AgentRequest,
  type AgentResponse,
  type AgentSession,
  type Message,
  MusterError,
} from "../protocol/index.ts";
import { backoffMs } from "../time/backoff.ts";
import { sleep } from "../time/clock.ts";
import type { AgentEnvironment } from "./environment.ts";
import type { AgentTransport, HeldLease } from "./transport.ts";

interface ConnectionOptions {
  transport: AgentTransport;
  registration: AgentRegistration;
  onMessage: (message: Message) => void;
  /** The orchestrator had forgotten the agent, and knows it again. */
  onRejoined: () => void;
  environment: AgentEnvironment;
}

const retryDelay = { firstMs: 100, maxMs: 2_000 };
/** After a failed registration the next one is not tried before this long. */
const rejoinPauseMs = 500;

/**
 * The transport, and what an agent does about its weaknesses: it registers again under its id when the
 * orchestrator has forgotten it, and repeats what may be repeated while the orchestrator is out of reach.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  #registration: AgentRegistration;
  #session: AgentSession | undefined;
  /** Counts registrations, so that a refusal of an old session does not lead to yet another registration. */
  #registrations = 0;
  #rejoining: Promise<void> | undefined;
  #rejoinFailure: { at: number; error: unknown } | undefined;
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#registration = options.registration;
  }

  get session(): AgentSession {
    if (this.#session === undefined) throw new Error("The agent is not connected yet.");
    return this.#session;
  }

  async open(): Promise<void> {
    const { transport, onMessage } = this.#options;
    const registration = this.#registration;
    const id = this.#session?.agentId ?? registration.id;
    this.#session = await transport.connect(
      id === undefined ? registration : { ...registration, id },
      onMessage,
    );
    this.#registrations++;
  }

  /** Registers again, with what the agent says of itself now. */
  async renew(registration: AgentRegistration): Promise<void> {
    this.#registration = registration;
    // A registration that is under way has the old words.
    await this.#rejoining?.catch(() => undefined);
    if (!this.#closed) await this.#rejoin();
  }

  /** One operation. Where the orchestrator does not know the agent: registers again, then once more. */
  async request<O extends AgentOperation>(operation: O, body: AgentRequest<O>): Promise<AgentResponse<O>> {
    const registrations = this.#registrations;
    try {
      return await this.#options.transport.request(operation, body);
    } catch (error) {
      if (!isForgotten(error) || this.#closed) throw error;
      if (registrations === this.#registrations) await this.#rejoin();
      return this.#options.transport.request(operation, body);
    }
  }

  /**
   * An operation that may safely be sent twice: repeated while `goesOn` and the orchestrator is out of reach, or still
   * does not know the agent after it registered again, as when nodes of a cluster come back one after another.
   */
  async persist<O extends AgentOperation>(
    operation: O,
    body: AgentRequest<O>,
    goesOn: () => boolean,
  ): Promise<AgentResponse<O>> {
    for (let failures = 1; ; failures++) {
      try {
        return await this.request(operation, body);
      } catch (error) {
        const passes = isForgotten(error) || (error instanceof MusterError && error.retryable);
        if (!passes || this.#closed || !goesOn()) throw error;
        await sleep(
          this.#options.environment.clock,
          backoffMs(failures, retryDelay, this.#options.environment.random),
        );
        if (this.#closed || !goesOn()) throw error;
      }
    }
  }

  /** Whatever can be done to artifacts under this lease. */
  artifacts(lease: HeldLease): ArtifactAccess {
    const access = this.#options.transport.artifacts?.(lease);
    if (access !== undefined) return access;
    throw new MusterError("invalid_request", "This agent is connected in a way that carries no files.", {
      hint: "Connect it over WebSocket or HTTP to use artifacts.",
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#options.transport.close();
  }

  /** Shared by everybody who finds out at the same time, and not tried in a hot loop. */
  #rejoin(): Promise<void> {
    const { clock } = this.#options.environment;
    const failure = this.#rejoinFailure;
    if (failure !== undefined && clock.now() < failure.at + rejoinPauseMs)
      return Promise.reject(failure.error);
    this.#rejoining ??= this.open()
      .then(
        () => {
          this.#rejoinFailure = undefined;
          this.#options.onRejoined();
        },
        (error: unknown) => {
          this.#rejoinFailure = { at: clock.now(), error };
          throw error;
        },
      )
      .finally(() => {
        this.#rejoining = undefined;
      });
    return this.#rejoining;
  }
}

/** The orchestrator does not know the agent, or its session: both are cured by registering again. */
const isForgotten = (error: unknown): boolean =>
  error instanceof MusterError && (error.code === "agent_unknown" || error.code === "unauthenticated");
