const closed = { additionalProperties: false } as const;
const text = { type: "string", minLength: 1 } as const;
const reference = { type: "object", required: ["$ref"], properties: { $ref: text }, ...closed } as const;
const references = { type: "array", minItems: 1, items: reference } as const;
const mapOf = (value: object) => ({ type: "object", minProperties: 1, additionalProperties: value }) as const;

const queue = {
  type: "object",
  properties: {
    name: { type: "string", minLength: 1, maxLength: 255 },
    durable: { type: "boolean" },
    exclusive: { type: "boolean" },
    autoDelete: { type: "boolean" },
  },
  ...closed,
} as const;

const exchange = {
  type: "object",
  properties: {
    name: { type: "string", maxLength: 255 },
    type: { enum: ["topic", "direct", "fanout", "default", "headers"] },
    durable: { type: "boolean" },
    autoDelete: { type: "boolean" },
  },
  ...closed,
} as const;

const channel = {
  type: "object",
  required: ["address", "messages"],
  properties: {
    address: text,
    description: text,
    parameters: mapOf({ type: "object", properties: { description: text }, ...closed }),
    messages: mapOf(reference),
    bindings: {
      type: "object",
      properties: {
        amqp: {
          type: "object",
          required: ["is"],
          properties: {
            is: { enum: ["queue", "routingKey"] },
            queue,
            exchange,
            bindingVersion: { const: "0.3.0" },
          },
          ...closed,
        },
      },
      ...closed,
    },
  },
  ...closed,
} as const;

const operation = {
  type: "object",
  required: ["action", "channel"],
  properties: {
    action: { enum: ["send", "receive"] },
    channel: reference,
    summary: text,
    messages: references,
    reply: { type: "object", properties: { channel: reference, messages: references }, ...closed },
  },
  ...closed,
} as const;

const message = {
  type: "object",
  required: ["payload"],
  properties: {
    name: text,
    summary: text,
    contentType: { const: "application/json" },
    correlationId: {
      type: "object",
      required: ["location"],
      properties: { location: { type: "string", pattern: "^\\$message\\.(header|payload)#(/.*)?$" } },
      ...closed,
    },
    headers: { type: "object", properties: { type: { const: "object" } }, required: ["type"] },
    payload: { type: "object" },
    bindings: {
      type: "object",
      properties: {
        amqp: {
          type: "object",
          properties: { messageType: text, contentEncoding: text, bindingVersion: { const: "0.3.0" } },
          ...closed,
        },
      },
      ...closed,
    },
  },
  ...closed,
} as const;

/** The parts of AsyncAPI 3.0 that docs/asyncapi.yaml has, closed, so that a word which is none is noticed. */
export const documentSchema = {
  type: "object",
  required: ["asyncapi", "info"],
  properties: {
    asyncapi: { const: "3.0.0" },
    info: {
      type: "object",
      required: ["title", "version"],
      properties: {
        title: text,
        version: text,
        description: text,
        license: { type: "object", required: ["name"], properties: { name: text }, ...closed },
      },
      ...closed,
    },
    defaultContentType: text,
    servers: mapOf({
      type: "object",
      required: ["host", "protocol"],
      properties: {
        host: text,
        protocol: { enum: ["amqp", "amqps"] },
        protocolVersion: text,
        description: text,
        security: references,
      },
      ...closed,
    }),
    channels: mapOf(channel),
    operations: mapOf(operation),
    components: {
      type: "object",
      properties: {
        securitySchemes: mapOf({
          type: "object",
          required: ["type"],
          properties: { type: { const: "userPassword" }, description: text },
          ...closed,
        }),
        messages: mapOf(message),
        schemas: mapOf({ type: "object" }),
      },
      ...closed,
    },
  },
  ...closed,
} as const;
