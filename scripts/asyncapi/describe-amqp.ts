import {
  AgentAnswer,
  AgentCall,
  AgentRegistration,
  AgentSession,
  agentOperations,
  amqpHighestPriority,
  amqpNames,
  amqpQueues,
  Message,
  MessageType,
  Problem,
  StopWork,
  TaskAssignment,
} from "@muster/sdk/protocol";
import { createSchemaBook, type SchemaBook } from "./schema-book.ts";

const bindingVersion = "0.3.0";
const placeholder = "agentId";
const queuesOfAny = amqpQueues(placeholder);
/** The name of a queue as an address with a parameter. */
const template = (queue: string): string => queue.replace(placeholder, "{agentId}");

const queueBinding = (name: string) => ({
  amqp: { is: "queue", queue: { name, durable: true, exclusive: false, autoDelete: false }, bindingVersion },
});

const exchangeBinding = (name: string, type: string) => ({
  amqp: { is: "routingKey", exchange: { name, type, durable: true, autoDelete: false }, bindingVersion },
});

const agentIdParameter = {
  agentId: { description: "The agent's id, with `~` in place of each dot." },
};

const channelMessage = (channel: string, message: string) => ({
  $ref: `#/channels/${channel}/messages/${message}`,
});
const ofMessage = (name: string) => ({ $ref: `#/components/messages/${name}` });

const channels = {
  tasks: {
    address: template(queuesOfAny.tasks),
    description:
      "What is sent to the agent, and broadcasts. " +
      `Read it with a prefetch of the agent's concurrency and acknowledge on receipt. Priorities go to ${amqpHighestPriority}.`,
    parameters: agentIdParameter,
    messages: {
      taskRequest: ofMessage("taskRequest"),
      event: ofMessage("event"),
      query: ofMessage("query"),
    },
    bindings: queueBinding(template(queuesOfAny.tasks)),
  },
  responses: {
    address: template(queuesOfAny.responses),
    description: "Answers to the agent's calls.",
    parameters: agentIdParameter,
    messages: { answer: ofMessage("answer") },
    bindings: queueBinding(template(queuesOfAny.responses)),
  },
  requests: {
    address: amqpNames.requestQueue,
    description: "Calls of agents; any node answers. Publish with this routing key, and mandatory.",
    messages: { call: ofMessage("call") },
    bindings: exchangeBinding(amqpNames.tasks, "topic"),
  },
};

const operations = {
  receive: {
    action: "receive",
    channel: { $ref: "#/channels/tasks" },
    summary: "Tasks, orders to stop, and what other agents say.",
    messages: ["taskRequest", "event", "query"].map((name) => channelMessage("tasks", name)),
  },
  call: {
    action: "send",
    channel: { $ref: "#/channels/requests" },
    summary: "Register, resume, or do one operation.",
    messages: [channelMessage("requests", "call")],
    reply: {
      channel: { $ref: "#/channels/responses" },
      messages: [channelMessage("responses", "answer")],
    },
  },
};

const callOf = (operation: string, body: object) => ({
  type: "object",
  properties: { operation: { const: operation }, body },
});

/** Every message is an envelope of the same shape; its type says what the payload is. */
function describeMessages(schemas: SchemaBook) {
  const message = (name: string, summary: string, type: string, payload: object) => ({
    name,
    summary,
    contentType: "application/json",
    correlationId: { location: "$message.payload#/correlationId" },
    headers: {
      type: "object",
      properties: { traceparent: { type: "string", description: "W3C trace context." } },
    },
    payload: {
      allOf: [schemas.add(Message), { type: "object", properties: { type: { const: type }, payload } }],
    },
    bindings: { amqp: { messageType: type, bindingVersion } },
  });
  const bodies = [
    callOf("register", schemas.add(AgentRegistration)),
    callOf("resume", {}),
    ...Object.keys(agentOperations).map((name) =>
      callOf(name, { $ref: `#/components/schemas/${name}Request` }),
    ),
  ];
  const call = { allOf: [schemas.add(AgentCall), { oneOf: bodies }] };
  const said = { description: "`StopWork` where it comes from `orchestrator`, else anything." };
  return {
    taskRequest: message("taskRequest", "A task for the agent.", "task_request", schemas.add(TaskAssignment)),
    event: message("event", "What another agent says, or an order of the orchestrator.", "event", said),
    query: message("query", "A question of another agent, to be answered with `reply`.", "query", {}),
    call: message("call", "A call of the orchestrator.", "query", call),
    answer: message("answer", "What came of a call.", "task_response", schemas.add(AgentAnswer)),
  };
}

/** The AsyncAPI 3 document of an agent that reads the message broker itself, made of the protocol's own schemas. */
export function describeAmqp(version: string) {
  const schemas = createSchemaBook();
  for (const schema of [MessageType, Problem, AgentSession, StopWork]) schemas.add(schema);
  for (const [name, { request, response }] of Object.entries(agentOperations)) {
    schemas.addAs(`${name}Request`, request);
    schemas.addAs(`${name}Response`, response);
  }
  const messages = describeMessages(schemas);
  return {
    asyncapi: "3.0.0",
    info: {
      title: "An agent of Muster over AMQP",
      version,
      description:
        "What an agent sends and receives that reads the message broker of a Muster cluster itself. " +
        "agent-protocol.md explains what it means; nodes of Muster make all exchanges and queues.",
      license: { name: "Apache-2.0" },
    },
    defaultContentType: "application/json",
    servers: {
      broker: {
        host: "localhost:5672",
        protocol: "amqp",
        protocolVersion: "0.9.1",
        description:
          "RabbitMQ. The virtual host is the cluster's; amqps where it is not in one's own network.",
        security: [{ $ref: "#/components/securitySchemes/brokerUser" }],
      },
    },
    channels,
    operations,
    components: {
      securitySchemes: {
        brokerUser: { type: "userPassword", description: "A user of the broker for each agent." },
      },
      messages,
      schemas: schemas.all(),
    },
  };
}
