import { AgentRegistration, type AgentType, type Capability, MusterError } from "../protocol/index.ts";
import { AgentRuntime } from "./agent-runtime.ts";
import { createCapabilityTable } from "./capability-table.ts";
import { type Check, compileCheck } from "./compile-check.ts";
import { type AgentEnvironment, defaultEnvironment } from "./environment.ts";
import { createHttpTransport } from "./http-transport.ts";
import type { IncomingMessage, TaskContext } from "./task-context.ts";
import type { AgentTransport } from "./transport.ts";
import { createWebSocketTransport } from "./web-socket-transport.ts";

/** A capability and the function that does it. */
// biome-ignore lint/suspicious/noExplicitAny: handlers of different inputs stand in one list
export interface CapabilityDefinition<Input = any> extends Capability {
  handler: (context: TaskContext<Input>) => unknown;
}

export interface AgentDefinition {
  name: string;
  id?: string;
  /** Which version of the agent this is: rollouts tell sides apart by it. */
  version?: string;
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
  /**
   * Called each time that the agent has started, for what shall be watched as long as it runs, such as a source of
   * its capabilities that it is updated by. What it returns is called when the agent stops.
   */
  onStart?: (agent: Agent, environment: AgentEnvironment) => (() => void) | undefined;
}

/** What an agent may change of itself while it runs. */
export type AgentChanges = Partial<Pick<AgentDefinition, "description" | "capabilities" | "metadata">>;

/** Where an agent connects: a server, or a transport of one's own. */
export type ConnectOptions =
  | { url: string | readonly string[]; apiKey: string; transport?: "websocket" | "http" }
  | { transport: AgentTransport };

export interface Agent {
  /** As it is now, with what `update` changed. */
  readonly definition: AgentDefinition;
  /** Set once it is connected. */
  readonly id: string | undefined;
  /**
   * Registers and begins to work; resolves when the orchestrator has taken it in. Rejects when it cannot be
   * reached now; once connected, the agent comes back by itself however long that takes.
   */
  start(options: ConnectOptions): Promise<void>;
  /** Takes no more work, finishes what it has for up to `graceMs` (10 s), says goodbye. */
  stop(graceMs?: number): Promise<void>;
  /**
   * Offers other capabilities, under the same id. Work that is under way goes on as it began. A mistake in the
   * changes throws and changes nothing. Where the orchestrator can't be reached now, it rejects, and the changes are told
   * when the agent registers next.
   */
  update(changes: AgentChanges): Promise<void>;
}

const defaultGraceMs = 10_000;

/**
 * Makes an agent of a definition: what it is called, what it can do, and the functions that do it. Nothing
 * happens before `start`, but a mistake in the definition (a wrong name, a schema that is none) throws here.
 *
 * Once started, `AgentRuntime` does the work of being an agent: it registers, keeps its leases alive, takes
 * tasks, runs handlers, and reports what came of them.
 */
export const createAgent = (
  definition: AgentDefinition,
  environment: Partial<AgentEnvironment> = {},
): Agent => {
  let current = definition;
  let registration = registrationOf(current);
  let capabilities = createCapabilityTable(current.name, current.capabilities);
  const surroundings = { ...defaultEnvironment, ...environment };
  let runtime: AgentRuntime | undefined;
  let unwatch: (() => void) | undefined;
  let id = definition.id;

  const agent: Agent = {
    get definition() {
      return current;
    },
    get id() {
      return id;
    },
    async start(options) {
      if (runtime !== undefined) {
        throw new MusterError("conflict", `Agent ${definition.name} is started already.`, {
          hint: "Stop it first, or create another agent.",
        });
      }
      const starting = new AgentRuntime({
        definition: current,
        registration: id === undefined ? registration : { ...registration, id },
        capabilities,
        transport: transportOf(options, surroundings),
        environment: surroundings,
      });
      runtime = starting;
      try {
        await starting.start();
        id = starting.agentId;
      } catch (error) {
        runtime = undefined;
        throw error;
      }
      unwatch = current.onStart?.(agent, surroundings);
    },
    async stop(graceMs = defaultGraceMs) {
      const stopping = runtime;
      unwatch?.();
      unwatch = undefined;
      await stopping?.stop(graceMs);
      if (runtime === stopping) runtime = undefined;
    },
    async update(changes) {
      const next = { ...current, ...changes };
      const nextRegistration = registrationOf(next);
      const table = createCapabilityTable(next.name, next.capabilities);
      [current, registration, capabilities] = [next, nextRegistration, table];
      await runtime?.update(id === undefined ? registration : { ...registration, id }, capabilities);
    },
  };
  return agent;
};

const transportOf = (options: ConnectOptions, { random }: AgentEnvironment): AgentTransport => {
  if (typeof options.transport === "object") return options.transport;
  const { url, apiKey, transport } = options as Extract<ConnectOptions, { url: string }>;
  const create = transport === "http" ? createHttpTransport : createWebSocketTransport;
  return create({ url, apiKey, random });
};

let checkRegistration: Check | undefined;

const registrationOf = (definition: AgentDefinition): AgentRegistration => {
  const { id, name, version, type, description, maxConcurrency, metadata } = definition;
  const said = Object.entries({ id, name, version, type, description, maxConcurrency, metadata });
  const registration = {
    ...Object.fromEntries(said.filter(([, value]) => value !== undefined)),
    capabilities: definition.capabilities.map(({ handler: _, ...capability }) => capability),
  };
  checkRegistration ??= compileCheck(
    AgentRegistration as unknown as Record<string, unknown>,
    "AgentRegistration",
  );
  const fault = checkRegistration(registration);
  if (fault === undefined) return registration as AgentRegistration;
  throw new MusterError(
    "invalid_request",
    `The definition of agent "${name}" is not right: ${fault.message}.`,
    {
      errors: fault.errors,
    },
  );
};
