import type { Message } from "@muster/sdk/protocol";

export interface Subscription {
  /** Ends it and frees everything it held. Ending it twice does nothing. */
  end(): Promise<void>;
}

/**
 * Carries messages between the orchestrator and agents. A nudge, not a store: it may lose, repeat or reorder,
 * and leases in the database bring the work back. A handler gets one message at a time; one that throws loses
 * that message and nothing else. Messages are read only for both sides. Where too many wait for one receiver,
 * `send` and `respond` reject with `unavailable`, as does everything on a bus that is closed.
 */
export interface MessageBus {
  /** To one agent, the highest `priority` (1 to 10) first among those that wait for it. */
  send(message: Message, priority: number): Promise<void>;
  /** To every subscribed agent but the sender. */
  broadcast(message: Message): Promise<void>;
  /** An answer, to whoever listens as `message.to` for this `correlationId`. */
  respond(message: Message): Promise<void>;
  /** Receives what is sent to `agentId`, and broadcasts. One subscriber per agent: a second one replaces the first. */
  subscribe(agentId: string, handler: (message: Message) => Promise<void> | void): Promise<Subscription>;
  /** Receives the answers to `address`, by correlation id. A second listener replaces the first, too. */
  listen(address: string, handler: (message: Message) => Promise<void> | void): Promise<Subscription>;
  close(): Promise<void>;
}
