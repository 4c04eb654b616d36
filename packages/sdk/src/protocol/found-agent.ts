import Type, { type Static } from "typebox";
import { Agent, Capability } from "./agent.ts";
import { limits } from "./limits.ts";
import { Name } from "./name.ts";

const { name, description, inputSchema, outputSchema } = Capability.properties;

/** An agent as other agents get to see it: what it can do, and whether it is free. */
export const FoundAgent = Type.Object(
  {
    id: Agent.properties.id,
    name: Agent.properties.name,
    type: Agent.properties.type,
    description: Agent.properties.description,
    status: Agent.properties.status,
    capabilities: Type.Array(Type.Object({ name, description, inputSchema, outputSchema }), {
      description: "Those that fit best first.",
    }),
  },
  { $id: "FoundAgent" },
);
export type FoundAgent = Static<typeof FoundAgent>;

/** What an agent looks for among the others. */
export const AgentSearch = Type.Object(
  {
    query: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: limits.textLength,
        description: "What is to be done, in words.",
      }),
    ),
    capability: Type.Optional(Type.Union([Name], { description: "Only agents that have exactly this one." })),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: limits.agentsFound,
        default: 10,
        description: "The best so many.",
      }),
    ),
  },
  { $id: "AgentSearch", additionalProperties: false },
);
export type AgentSearch = Static<typeof AgentSearch>;
