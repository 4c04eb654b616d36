import Type, { type Static } from "typebox";
import { limits } from "./limits.ts";
import { Name } from "./name.ts";
import { ProjectName } from "./state.ts";

const closed = { additionalProperties: false } as const;

/**
 * Whose a memory is: `agent` belongs to the agents of one name, `project` to everybody who names the project, `global`
 * to everybody of the tenant.
 */
export const MemoryScope = Type.Enum(["agent", "project", "global"]);
export type MemoryScope = Static<typeof MemoryScope>;

export const MemoryMetadata = Type.Record(
  Type.String({ minLength: 1, maxLength: limits.nameLength }),
  Type.Unknown(),
  { description: `Facts for programs, to filter by; up to ${limits.memoryMetadataBytes} bytes of JSON.` },
);
export type MemoryMetadata = Static<typeof MemoryMetadata>;

const Text = Type.String({
  minLength: 1,
  maxLength: limits.memoryTextLength,
  description: "What is to be remembered, in words.",
});
const AgentName = Type.Union([Name], { description: "Of scope `agent`: the name of the agent." });
const Project = Type.Union([ProjectName], { description: "Of scope `project`: the name of the project." });
const Time = Type.String({ format: "date-time" });

/** One thing that somebody found worth remembering. */
export const Memory = Type.Object(
  {
    id: Type.String({ format: "uuid" }),
    scope: MemoryScope,
    agent: Type.Union([Type.String(), Type.Null()]),
    project: Type.Union([Type.String(), Type.Null()]),
    text: Type.String(),
    metadata: MemoryMetadata,
    createdAt: Time,
    updatedAt: Type.String({ format: "date-time", description: "When it was last remembered." }),
    createdBy: Type.String({ description: "The name of the key, or the id of the agent." }),
    usedAt: Type.Union([Time, Type.Null()], { description: "When it was last recalled, to the minute." }),
    uses: Type.Integer({ minimum: 0, description: "In how many different minutes it was recalled." }),
    expiresAt: Type.Union([Time, Type.Null()], { description: "It is forgotten then; null: never." }),
    model: Type.Union([Type.String(), Type.Null()], {
      description: "The model by which its meaning can be compared; null: found by its words alone.",
    }),
  },
  { $id: "Memory" },
);
export type Memory = Static<typeof Memory>;

const remembered = {
  text: Text,
  metadata: Type.Optional(MemoryMetadata),
  ttlMs: Type.Optional(
    Type.Integer({ minimum: 1, maximum: limits.ageMs, description: "It is forgotten after this long." }),
  ),
};

/** Where a memory belongs, as a client says it. */
export const memoryPlace = {
  scope: MemoryScope,
  agent: Type.Optional(AgentName),
  project: Type.Optional(Project),
};
export const MemoryPlace = Type.Object(memoryPlace, { $id: "MemoryPlace", ...closed });
export type MemoryPlace = Static<typeof MemoryPlace>;

export const MemoryRequest = Type.Object(
  { ...remembered, ...memoryPlace, scope: Type.Optional(MemoryScope) },
  { $id: "MemoryRequest", ...closed },
);
/** Without a scope it is that of what is named: `agent`, `project`, or `global` where neither is. */
export type MemoryRequest = Static<typeof MemoryRequest>;

export const Remembered = Type.Object(
  {
    memory: Memory,
    created: Type.Boolean({
      description: "False: the same text was known there, and was brought up to date.",
    }),
  },
  { $id: "Remembered" },
);
export type Remembered = Static<typeof Remembered>;

const recalled = {
  query: Type.String({
    minLength: 1,
    maxLength: limits.memoryTextLength,
    description:
      'What it is about, in words; with quotation marks or a minus before a word it is taken literally ("exact words" -without).',
  }),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: limits.memoriesRecalled,
      default: 10,
      description: "The best so many.",
    }),
  ),
  metadata: Type.Optional(
    Type.Union([MemoryMetadata], { description: "Only memories whose metadata contain all of this." }),
  ),
  minSimilarity: Type.Optional(
    Type.Number({
      minimum: -1,
      maximum: 1,
      description:
        "Of what is found by its meaning alone, only what is so near; -1, the default: whatever is nearest.",
    }),
  ),
  scopes: Type.Optional(
    Type.Array(MemoryScope, {
      minItems: 1,
      maxItems: 3,
      description: "Only these; by default `global` and those of what is named.",
    }),
  ),
};
export const RecallRequest = Type.Object(
  { ...recalled, agent: memoryPlace.agent, project: memoryPlace.project },
  { $id: "RecallRequest", ...closed },
);
export type RecallRequest = Static<typeof RecallRequest>;

const Rank = Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]);
export const RecalledMemory = Type.Object(
  {
    memory: Memory,
    score: Type.Number({ description: "The sum of 1 / (60 + rank) over both searches; greater is better." }),
    lexicalRank: Rank,
    vectorRank: Rank,
    similarity: Type.Union([Type.Number(), Type.Null()], {
      description: "Of the meanings: the cosine of the angle between both embeddings.",
    }),
  },
  { $id: "RecalledMemory" },
);
export type RecalledMemory = Static<typeof RecalledMemory>;

/** What was found, best first, and how it was searched. */
export const Recall = Type.Object(
  {
    items: Type.Array(RecalledMemory),
    vector: Type.Enum(["none", "exact", "newest", "index"], {
      description:
        "How meanings were compared: not at all, with every memory, with the newest ones, or through an index that may miss some.",
    }),
    model: Type.Union([Type.String(), Type.Null()]),
    note: Type.Union([Type.String(), Type.Null()], { description: "Why meanings were not compared." }),
  },
  { $id: "Recall" },
);
export type Recall = Static<typeof Recall>;

export const MemoryFilter = Type.Object(
  {
    scope: Type.Optional(MemoryScope),
    agent: memoryPlace.agent,
    project: memoryPlace.project,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.pageSize, default: 50 })),
    before: Type.Optional(
      Type.String({ format: "uuid", description: "`next` of the page before this one." }),
    ),
  },
  { $id: "MemoryFilter", ...closed },
);
export type MemoryFilter = Static<typeof MemoryFilter>;

export const Forgotten = Type.Object(
  { forgotten: Type.Integer({ minimum: 0, description: "How many memories." }) },
  { $id: "Forgotten" },
);
export type Forgotten = Static<typeof Forgotten>;

/** What agents send beside their lease: whose memory it is follows from who they are. */
export const agentMemory = {
  remember: { ...remembered, scope: Type.Optional(MemoryScope), project: memoryPlace.project },
  recall: { ...recalled, project: memoryPlace.project },
  list: {
    scope: Type.Optional(MemoryScope),
    project: memoryPlace.project,
    limit: MemoryFilter.properties.limit,
    before: MemoryFilter.properties.before,
  },
};
