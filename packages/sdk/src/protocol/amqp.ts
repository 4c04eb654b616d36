import Type, { type Static } from "typebox";
import { Problem } from "./error.ts";
import { limits } from "./limits.ts";
import type { Message } from "./message.ts";

/**
 * The names under which Muster lives on an AMQP broker. Nodes declare all of this; agents that read the broker
 * themselves only use it. A routing key is always the name of the queue that it leads to.
 */
export const amqpNames = {
  /** Topic exchange: what is sent to one agent, and requests of agents to the orchestrator. */
  tasks: "agent.tasks",
  /** Fanout exchange: what is sent to all agents. */
  broadcasts: "agent.broadcasts",
  /** Direct exchange: answers, to agents and to nodes. */
  responses: "agent.responses",
  /** Fanout exchange: what was rejected, or not read in time. */
  deadLetters: "agent.dead-letters",
  /** Queue: requests of agents, served by whichever node is free. */
  requestQueue: "orchestrator.priority",
  /** Queue: dead letters, counted and logged by whichever node is free. */
  deadLetterQueue: "orchestrator.dead-letters",
} as const;

/** The highest priority of a message on the broker; 1 is the lowest. */
export const amqpHighestPriority = 10;

/** Bytes that a name may have on an AMQP broker. */
const mostNameBytes = 255;

/**
 * The queues of one agent. Dots separate the words of a routing key, so those of an agent's id become `~`, which
 * no id holds; anything else that a pattern could mean something by is encoded.
 */
export function amqpQueues(agentId: string): { tasks: string; responses: string } {
  const word = agentId.replaceAll(/[^A-Za-z0-9_-]/g, (character) =>
    character === "." ? "~" : `%${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  const queues = { tasks: `agent.${word}.tasks`, responses: `agent.${word}.responses` };
  if (queues.responses.length > mostNameBytes) {
    throw new RangeError(`The id ${agentId} is too long for the name of a queue.`);
  }
  return queues;
}

/**
 * The least that an agent's own user of the broker must be allowed, as regular expressions for RabbitMQ's permissions:
 * it reads its two queues and writes requests. It makes nothing, and reaches neither other agents nor their queues.
 */
export function amqpPermissions(agentId: string) {
  const { tasks, responses } = amqpQueues(agentId);
  const exactly = (...names: string[]) => `^(${names.map((name) => name.replaceAll(".", "\\.")).join("|")})$`;
  return {
    configure: "^$",
    write: exactly(amqpNames.tasks),
    read: exactly(tasks, responses),
    /** Of the exchange `agent.tasks`, by routing key. */
    topic: { exchange: amqpNames.tasks, write: exactly(amqpNames.requestQueue), read: "^$" },
  };
}

/** Properties of a message on the broker that belong to AMQP; other tools look at them without reading the body. */
export interface AmqpProperties {
  contentType: "application/json";
  /** The broker keeps it over a restart. */
  durable: true;
  priority: number;
  messageId: string;
  correlationId: string;
  type: string;
  headers?: { traceparent: string };
}

const middlePriority = 5;

export const amqpPropertiesOf = (message: Message, priority = middlePriority): AmqpProperties => ({
  contentType: "application/json",
  durable: true,
  priority,
  messageId: message.id,
  correlationId: message.correlationId,
  type: message.type,
  ...(message.trace === undefined ? {} : { headers: { traceparent: message.trace } }),
});

const texts = ["id", "type", "from", "to", "correlationId", "sentAt"] as const;

/** The message in a body that was parsed from JSON. Undefined for what is none. */
export function messageOfAmqp(body: unknown, headers: Record<string, unknown> = {}): Message | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  if (!texts.every((name) => typeof (body as Record<string, unknown>)[name] === "string")) return undefined;
  const message = body as Message;
  const { traceparent } = headers;
  if (message.trace !== undefined || typeof traceparent !== "string") return message;
  return { ...message, trace: traceparent };
}

/**
 * Payload of the `query` message to `orchestrator` by which an agent that reads the broker itself registers, resumes
 * or does an operation.
 */
export const AgentCall = Type.Object(
  {
    operation: Type.String({
      maxLength: limits.nameLength,
      description: "`register`, `resume`, or one of the operations of an agent.",
    }),
    token: Type.String({
      maxLength: 512,
      description: "The API key to register; the session for everything else.",
    }),
    body: Type.Optional(Type.Unknown({ description: "The request of the operation." })),
  },
  { $id: "AgentCall", additionalProperties: false },
);
export type AgentCall = Static<typeof AgentCall>;

/** Payload of the `task_response` message that answers an `AgentCall`: what came of it, or why it was refused. */
export const AgentAnswer = Type.Union(
  [Type.Object({ result: Type.Unknown() }), Type.Object({ problem: Problem })],
  { $id: "AgentAnswer" },
);
export type AgentAnswer = Static<typeof AgentAnswer>;
