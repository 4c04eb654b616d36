import Type, { type Static } from "typebox";
import { Agent, Capability } from "./agent.ts";
import { limits } from "./limits.ts";
import { Name } from "./name.ts";

const { name, description, inputSchema, outputSchema, cost, meanDurationMs } = Capability.properties;

/** What the newest tasks of a capability took and cost, whoever did them. */
export const MeasuredTasks = Type.Object(
  {
    tasks: Type.Integer({ description: "How many were looked at; all of them completed." }),
    meanDurationMs: Type.Number({ description: "From the beginning of the last attempt to the end." }),
    meanCostMicros: Type.Union([Type.Number(), Type.Null()], {
      description: "In millionths of a US dollar; null where nobody reported what it spent.",
    }),
  },
  { $id: "MeasuredTasks" },
);
export type MeasuredTasks = Static<typeof MeasuredTasks>;

/** An agent as other agents get to see it: what it can do, and whether it is free. */
export const FoundAgent = Type.Object(
  {
    id: Agent.properties.id,
    name: Agent.properties.name,
    type: Agent.properties.type,
    description: Agent.properties.description,
    status: Agent.properties.status,
    capabilities: Type.Array(
      Type.Object({
        name,
        description,
        inputSchema,
        outputSchema,
        cost,
        meanDurationMs,
        measured: Type.Optional(MeasuredTasks),
        score: Type.Optional(
          Type.Number({
            description:
              "Where words were given: how well it fits them, by words and meaning; more is better, beside others of the same answer.",
          }),
        ),
      }),
      {
        description:
          "Those that fit best first. Where estimates were asked for: with what the agent says of cost and duration, and with what was measured.",
      },
    ),
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
    estimates: Type.Optional(
      Type.Boolean({ default: false, description: "Says what tasks cost and how long they take, too." }),
    ),
  },
  { $id: "AgentSearch", additionalProperties: false },
);
export type AgentSearch = Static<typeof AgentSearch>;
