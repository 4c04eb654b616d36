import Type, { type Static } from "typebox";
import { BreakerState } from "./breaker.ts";
import { JsonSchema } from "./json-schema.ts";
import { limits } from "./limits.ts";
import { Name } from "./name.ts";
import { RetryPolicy } from "./retry.ts";

export const AgentType = Type.Enum(["claude", "gpt", "gemini", "custom", "human"], { $id: "AgentType" });
export type AgentType = Static<typeof AgentType>;

export const AgentStatus = Type.Enum(["available", "busy", "offline", "maintenance"], { $id: "AgentStatus" });
export type AgentStatus = Static<typeof AgentStatus>;

/** A named skill. */
export const Capability = Type.Object(
  {
    name: Name,
    description: Type.Optional(Type.String({ maxLength: limits.textLength })),
    inputSchema: Type.Optional(JsonSchema),
    outputSchema: Type.Optional(JsonSchema),
    tools: Type.Optional(Type.Array(Name, { maxItems: 64, description: "Tools that it works with." })),
    cost: Type.Optional(
      Type.Number({ minimum: 0, description: "Estimated cost of one task in US dollars." }),
    ),
    meanDurationMs: Type.Optional(
      Type.Integer({ minimum: 0, description: "Estimated; measured once it works." }),
    ),
    retry: Type.Optional(RetryPolicy),
  },
  { $id: "Capability", additionalProperties: false },
);
export type Capability = Static<typeof Capability>;

// Agents know the orchestrator's word by its name, so nobody else may bear it.
const agentIdPattern = "^(?!orchestrator$)[A-Za-z0-9][A-Za-z0-9._-]*$";

export const isAgentId = (text: string): boolean =>
  text.length <= limits.nameLength && new RegExp(agentIdPattern).test(text);

/** What an agent says of itself when it joins. */
export const AgentRegistration = Type.Object(
  {
    id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: limits.nameLength,
        pattern: agentIdPattern,
        description: "Kept over reconnects; made up when left out. Anything but `orchestrator`.",
      }),
    ),
    name: Name,
    version: Type.Optional(
      Type.Union([Name], {
        description: "Which version of the agent it is: rollouts tell sides apart by it.",
      }),
    ),
    type: Type.Optional(AgentType),
    description: Type.Optional(Type.String({ maxLength: limits.textLength })),
    capabilities: Type.Array(Capability, { maxItems: limits.capabilitiesPerAgent }),
    maxConcurrency: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: limits.agentConcurrency,
        default: 1,
        description: "Tasks at once.",
      }),
    ),
    metadata: Type.Optional(Type.Record(Type.String({ maxLength: limits.nameLength }), Type.Unknown())),
  },
  { $id: "AgentRegistration", additionalProperties: false },
);
export type AgentRegistration = Static<typeof AgentRegistration>;

export const Agent = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    version: Type.Optional(Type.String({ description: "Left out where the agent names none." })),
    type: AgentType,
    description: Type.String(),
    capabilities: Type.Array(Capability),
    status: AgentStatus,
    load: Type.Integer({ description: "Slots taken, as the orchestrator counts them." }),
    maxConcurrency: Type.Integer(),
    healthScore: Type.Number({
      minimum: 0,
      maximum: 1,
      description: "From real outcomes, newest weigh most.",
    }),
    breaker: Type.Optional(BreakerState),
    lastSeen: Type.String({ format: "date-time" }),
    metadata: Type.Record(Type.String(), Type.Unknown()),
  },
  { $id: "Agent" },
);
export type Agent = Static<typeof Agent>;
