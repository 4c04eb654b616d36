import Type, { type Static } from "typebox";
import { limits } from "./limits.ts";
import { Name } from "./task.ts";

export const AgentType = Type.Enum(["claude", "gpt", "gemini", "custom", "human"], { $id: "AgentType" });
export type AgentType = Static<typeof AgentType>;

export const AgentStatus = Type.Enum(["available", "busy", "offline", "maintenance"], { $id: "AgentStatus" });
export type AgentStatus = Static<typeof AgentStatus>;

/** A JSON Schema (draft 2020-12) that inputs or outputs are checked against. */
export const JsonSchema = Type.Unsafe<Record<string, unknown> | boolean>({
  description: "A JSON Schema, draft 2020-12.",
  anyOf: [{ type: "object" }, { type: "boolean" }],
});

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
  },
  { $id: "Capability", additionalProperties: false },
);
export type Capability = Static<typeof Capability>;

/** What an agent says of itself when it joins. */
export const AgentRegistration = Type.Object(
  {
    id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: limits.nameLength,
        // Agents know the orchestrator's word by its name, so nobody else may bear it.
        pattern: "^(?!orchestrator$)[A-Za-z0-9][A-Za-z0-9._-]*$",
        description: "Kept over reconnects; made up when left out. Anything but `orchestrator`.",
      }),
    ),
    name: Name,
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
    lastSeen: Type.String({ format: "date-time" }),
    metadata: Type.Record(Type.String(), Type.Unknown()),
  },
  { $id: "Agent" },
);
export type Agent = Static<typeof Agent>;
