import type { AgentType, Capability } from "../protocol/index.ts";
import type { IncomingMessage, TaskContext } from "./task-context.ts";
import type { AgentTransport } from "./transport.ts";

/** A capability and the function that does it. */
// biome-ignore lint/suspicious/noExplicitAny: handlers of different inputs stand in one list
export interface CapabilityDefinition<Input = any> extends Capability {
  handler: (context: TaskContext<Input>) => unknown;
}

export interface AgentDefinition {
  name: string;
  id?: string;
  type?: AgentType;
  description?: string;
  /** Tasks at once, 1 by default. */
  maxConcurrency?: number;
  capabilities: readonly CapabilityDefinition[];
  metadata?: Record<string, unknown>;
  /** Gets events and broadcasts of other agents. */
  onMessage?: (message: IncomingMessage) => Promise<void> | void;
  /** Answers queries of other agents with what it returns. */
  onQuery?: (message: IncomingMessage) => unknown;
}

/** Where an agent connects: a server, or a transport of one's own. */
export type ConnectOptions =
  | { url: string; apiKey: string; transport?: "websocket" | "http" }
  | { transport: AgentTransport };

export interface Agent {
  readonly definition: AgentDefinition;
  /** Set once it is connected. */
  readonly id: string | undefined;
  /** Registers and begins to work; resolves when the orchestrator has taken it in. */
  start(options: ConnectOptions): Promise<void>;
  /** Takes no more work, finishes what it has for up to `graceMs` (10 s), says goodbye. */
  stop(graceMs?: number): Promise<void>;
}
