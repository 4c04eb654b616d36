import type {
  AgentOperation,
  AgentRegistration,
  AgentRequest,
  AgentResponse,
  AgentSession,
  Message,
} from "../protocol/index.ts";

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
  close(): Promise<void>;
}
