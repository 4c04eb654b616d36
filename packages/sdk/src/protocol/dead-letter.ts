import Type, { type Static } from "typebox";
import { limits } from "./limits.ts";
import { Name } from "./name.ts";
import { TaskError } from "./task.ts";

const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time" });
const Age = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: limits.ageMs, description }));

/** A task that failed for good, by itself, and that nobody has retried or dropped since. */
export const DeadLetter = Type.Object(
  {
    taskId: Type.String({ format: "uuid" }),
    name: Nullable(Type.String()),
    capability: Nullable(Type.String()),
    requestedAgent: Nullable(Type.String()),
    tenant: Type.String(),
    runId: Nullable(Type.String()),
    step: Nullable(Type.String()),
    parentId: Nullable(Type.String()),
    attempts: Type.Integer({ description: "Attempts begun." }),
    agents: Type.Array(Type.String(), { description: "Names of the agents that tried." }),
    error: TaskError,
    createdAt: Time,
    diedAt: Time,
  },
  { $id: "DeadLetter" },
);
export type DeadLetter = Static<typeof DeadLetter>;

const filter = {
  capability: Type.Optional(Name),
  runId: Type.Optional(Type.String({ format: "uuid" })),
  code: Type.Optional(
    Type.String({ minLength: 1, maxLength: limits.nameLength, description: "Code of the last error." }),
  ),
  olderThanMs: Age("Only those that died at least this long ago."),
  newerThanMs: Age("Only those that died within this time."),
};

/** Which dead letters; all members must fit. */
export const DeadLetterFilter = Type.Object(filter, { additionalProperties: false });
export type DeadLetterFilter = Static<typeof DeadLetterFilter>;

/** Which dead letters to act on: these, or those that fit a filter, or all, said in so many words. */
export const DeadLetterSelection = Type.Object(
  {
    ...filter,
    ids: Type.Optional(
      Type.Array(Type.String({ format: "uuid" }), { minItems: 1, maxItems: limits.deadLettersAtOnce }),
    ),
    all: Type.Optional(Type.Literal(true, { description: "Needed where nothing else is said." })),
    before: Type.Optional(
      Type.String({ minLength: 1, maxLength: 512, description: "`next` of the call before this one." }),
    ),
  },
  { $id: "DeadLetterSelection", additionalProperties: false },
);
export type DeadLetterSelection = Static<typeof DeadLetterSelection>;

/** What came of it, for as many as one call takes. */
export const DeadLetterReport = Type.Object(
  {
    done: Type.Array(Type.String(), { description: "Ids of the tasks that were retried or dropped." }),
    runs: Type.Array(Type.String(), { description: "Runs that were over and go on." }),
    skipped: Type.Array(Type.Object({ taskId: Type.String(), reason: Type.String() })),
    next: Type.Union([Type.String(), Type.Null()], {
      description: "There are more: call again with it as `before`. Null: that was all.",
    }),
  },
  { $id: "DeadLetterReport" },
);
export type DeadLetterReport = Static<typeof DeadLetterReport>;
