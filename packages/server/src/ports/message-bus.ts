import type { Message } from "@muster/sdk/protocol";

export interface Subscription {
  /** Ends it and frees everything it held. Ending it twice does nothing. */
  end(): Promise<void>;
}

export type MessageHandler = (message: Message) => Promise<void> | void;

/** Requests that one node may have under way at once. */
export const requestsAtOnce = 1_000;

/**
 * Carries messages between the orchestrator and agents. A nudge, not a store: it may lose, repeat or reorder,
 * and leases in the database bring the work back. A handler gets one message at a time; one that throws loses
 * that message and nothing else. Messages are read only for both sides. Where too many wait for one receiver,
 * `send` and `respond` reject with `unavailable`, as does everything on a bus that is closed or, for some
 * seconds, out of reach. What was rejected may have arrived all the same.
 */
export interface MessageBus {
  /**
   * To one agent, the highest `priority` (1 to 10) first among those that wait for it. To `orchestrator`: to one
   * of the nodes that serve.
   */
  send(message: Message, priority: number): Promise<void>;
  /** To every subscribed agent but the sender. */
  broadcast(message: Message): Promise<void>;
  /** An answer, to whoever listens as `message.to` for this `correlationId`. */
  respond(message: Message): Promise<void>;
  /**
   * Receives what is sent to `agentId`, and broadcasts. One subscriber per agent: a second one replaces the first.
   * Up to `prefetch` messages (1) are on their way to it before it has handled the first; of those, a higher
   * priority does not overtake a lower one.
   */
  subscribe(agentId: string, handler: MessageHandler, prefetch?: number): Promise<Subscription>;
  /** Receives the answers to `address`, by correlation id. A second listener replaces the first, too. */
  listen(address: string, handler: MessageHandler): Promise<Subscription>;
  /**
   * Receives what is sent to `orchestrator`, each message at one of all nodes that serve. The handler may be called
   * again before it is done, `requestsAtOnce` times. What a node that dies had not handled goes to another.
   */
  serve(handler: MessageHandler): Promise<Subscription>;
  /** Makes room for what is sent to an agent, and for answers to it, where the agent itself reads the bus. */
  provide(agentId: string): Promise<void>;
  /** Rejects with `unavailable` where messages can't be carried now. */
  check(): Promise<void>;
  close(): Promise<void>;
}
