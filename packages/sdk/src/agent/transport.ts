import type { ArtifactAccess } from "../client/artifact-access.ts";
import type {
  AgentOperation,
  AgentRegistration,
  AgentRequest,
  AgentResponse,
  AgentSession,
  Message,
} from "../protocol/index.ts";

/** A task and the token that proves that it is the agent's. */
export interface HeldLease {
  taskId: string;
  leaseToken: string;
}

/** A request in line for a lock is answered after this long at most. */
const lockPollMs = 25_000;
/** How long another agent may take to answer a question, unless somebody says otherwise. */
const queryMs = 10_000;

/** How long an operation may take by the agent's own wish, beside what it takes anyhow. */
export const wishedMs = (operation: AgentOperation, body: unknown): number => {
  const { timeoutMs, waitMs } = body as { timeoutMs?: number; waitMs?: number };
  if (operation === "query") return timeoutMs ?? queryMs;
  if (operation === "watchState") return waitMs ?? 0;
  return operation === "lock" ? Math.min(waitMs ?? 0, lockPollMs) : 0;
};

/**
 * How an agent talks to an orchestrator: in process, over WebSocket or by HTTP long polling. A transport
 * carries and reconnects; it decides nothing about tasks.
 */
export interface AgentTransport {
  /**
   * Registers and begins to deliver messages. Called again, with the same registration and the id that the
   * first call gave, when the orchestrator no longer knows the agent.
   */
  connect(registration: AgentRegistration, onMessage: (message: Message) => void): Promise<AgentSession>;
  /** One operation; rejects with a `MusterError`. A lost connection rejects with the retryable `unavailable`. */
  request<O extends AgentOperation>(operation: O, body: AgentRequest<O>): Promise<AgentResponse<O>>;
  /** Artifacts of the task that is held under this lease. Missing where the transport carries no files. */
  artifacts?(lease: HeldLease): ArtifactAccess;
  close(): Promise<void>;
}
