import Type, { type Static } from "typebox";
import { JsonSchema } from "./json-schema.ts";
import { limits } from "./limits.ts";
import { Addressee, PersonName } from "./question.ts";
import { Priority } from "./task.ts";

const closed = { additionalProperties: false } as const;
const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });

/** What waits for a person. */
export const InboxItem = Type.Object(
  {
    taskId: Type.String({ format: "uuid" }),
    tenant: Type.String(),
    kind: Type.Enum(["question", "approval", "task"], {
      description: "`task`: a task for a capability that people have.",
    }),
    question: Nullable(Type.String()),
    schema: Nullable(JsonSchema),
    capability: Nullable(Type.String()),
    to: Nullable(Addressee),
    escalatedTo: Nullable(Addressee),
    priority: Priority,
    input: Type.Unknown({ description: "What there is to know beside the question." }),
    runId: Nullable(Type.String()),
    parentId: Nullable(Type.String({ description: "The task that asks." })),
    claimedBy: Nullable(Type.String()),
    claimedUntil: Nullable(Time),
    declinedBy: Type.Array(Type.String()),
    reminders: Type.Integer(),
    expiresAt: Nullable(Time),
    createdAt: Time,
  },
  { $id: "InboxItem" },
);
export type InboxItem = Static<typeof InboxItem>;

const As = Type.Optional(
  Type.Unsafe<string>({
    ...PersonName,
    description: "The person in whose name an admin acts; with the key of a person, that one.",
  }),
);

export const InboxFilter = Type.Object(
  {
    as: As,
    runId: Type.Optional(Type.String({ format: "uuid" })),
    parentId: Type.Optional(Type.String({ format: "uuid" })),
  },
  { $id: "InboxFilter", ...closed },
);
export type InboxFilter = Static<typeof InboxFilter>;

export const InboxClaim = Type.Object(
  {
    as: As,
    claimMs: Type.Optional(
      Type.Integer({
        minimum: 1_000,
        maximum: limits.durationMs,
        default: 3_600_000,
        description: "Nobody else may answer for this long.",
      }),
    ),
  },
  { $id: "InboxClaim", ...closed },
);
export type InboxClaim = Static<typeof InboxClaim>;

export const InboxRelease = Type.Object({ as: As }, { $id: "InboxRelease", ...closed });
export type InboxRelease = Static<typeof InboxRelease>;

export const InboxAnswer = Type.Object(
  { as: As, answer: Type.Unknown({ description: "As the item's schema says." }) },
  { $id: "InboxAnswer", ...closed },
);
export type InboxAnswer = Static<typeof InboxAnswer>;

export const InboxDecline = Type.Object(
  { as: As, reason: Type.Optional(Type.String({ maxLength: limits.reasonLength })) },
  { $id: "InboxDecline", ...closed },
);
export type InboxDecline = Static<typeof InboxDecline>;

export const InboxDelegation = Type.Object({ as: As, to: Addressee }, { $id: "InboxDelegation", ...closed });
export type InboxDelegation = Static<typeof InboxDelegation>;

/** What became of an item that somebody acted on. */
export const InboxOutcome = Type.Object(
  {
    taskId: Type.String(),
    status: Type.Enum(["open", "completed", "failed", "cancelled"], {
      description: "`open`: it still waits for an answer.",
    }),
    by: Type.String({ description: "Who acted." }),
    claimedUntil: Nullable(Time),
  },
  { $id: "InboxOutcome" },
);
export type InboxOutcome = Static<typeof InboxOutcome>;

const shareParts = {
  finished: Type.Integer({ description: "Tasks that were completed." }),
  withPeople: Type.Integer({
    description:
      "Those of them that a person did, or in which one was asked, below them included, or whose step one approved.",
  }),
  share: Nullable(
    Type.Number({ description: "Finished without a person, of all: 0 to 1. Null: none finished." }),
  ),
} as const;
const ShareParts = Type.Object(shareParts);
/** How many tasks were completed, and how many of them with people in them. Questions themselves are no tasks here. */
export type AutonomyShare = Static<typeof ShareParts>;

/** How much is finished without people. Questions themselves are no tasks here. */
export const Autonomy = Type.Object(
  {
    since: Time,
    ...shareParts,
    waiting: Type.Integer({ description: "Questions that are open now." }),
  },
  { $id: "Autonomy" },
);
export type Autonomy = Static<typeof Autonomy>;

/** Which days of the history are looked at, and how they are put together. */
export const AutonomyFilter = Type.Object(
  {
    days: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: limits.autonomyDays,
        default: 30,
        description: "How many days, today included. A day begins at midnight UTC.",
      }),
    ),
    by: Type.Optional(
      Type.Enum(["day", "capability"], { default: "day", description: "What each item is of." }),
    ),
    capability: Type.Optional(
      Type.String({
        maxLength: limits.nameLength,
        description: "Only tasks of this one; empty: those that named an agent and no capability.",
      }),
    ),
  },
  { $id: "AutonomyFilter", ...closed },
);
export type AutonomyFilter = Static<typeof AutonomyFilter>;

/** How much was finished without people over days, also of tasks that are not kept any more. */
export const AutonomyHistory = Type.Object(
  {
    from: Type.String({ format: "date" }),
    to: Type.String({ format: "date", description: "Today, which is not over." }),
    ...shareParts,
    items: Type.Array(
      Type.Object({
        day: Nullable(Type.String({ format: "date", description: "Null where items are of capabilities." })),
        capability: Nullable(
          Type.String({
            description: `Null where items are of days; empty: none was named; \`*\`: all beyond the first ${limits.autonomyCapabilities} of a day.`,
          }),
        ),
        ...shareParts,
      }),
      {
        description: `Days with finished tasks, newest first, or capabilities, those with the most tasks first; up to ${limits.pageSize}.`,
      },
    ),
  },
  { $id: "AutonomyHistory" },
);
export type AutonomyHistory = Static<typeof AutonomyHistory>;
