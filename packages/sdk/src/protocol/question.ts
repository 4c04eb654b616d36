import Type, { type Static } from "typebox";
import { JsonSchema } from "./json-schema.ts";
import { limits } from "./limits.ts";
import { Name } from "./name.ts";

const closed = { additionalProperties: false } as const;

/** What a person is called: unique in a tenant. */
export const PersonName = Type.String({
  minLength: 1,
  maxLength: limits.nameLength,
  pattern: "^[A-Za-z0-9][A-Za-z0-9._-]*$",
  description: "Letters, digits and . _ - ; starts with a letter or a digit.",
});

/** Whom a question is for: one person, or all who have a capability. */
export const Addressee = Type.Object(
  { person: Type.Optional(PersonName), capability: Type.Optional(Name) },
  { minProperties: 1, maxProperties: 1, ...closed },
);
export type Addressee = Static<typeof Addressee>;

const Wait = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 1_000, maximum: limits.durationMs, description }));

/** A question to people. It is a task like any other, but for its way: it waits in their inbox. */
export const Question = Type.Object(
  {
    text: Type.String({ minLength: 1, maxLength: limits.textLength, description: "The question itself." }),
    schema: Type.Optional(JsonSchema),
    approval: Type.Optional(
      Type.Boolean({ description: "It asks for a yes or a no; the answer is an `Approval`." }),
    ),
    to: Type.Optional(Addressee),
    remindMs: Wait("Remind whoever shall answer this often; a few times."),
    escalateMs: Wait("After this long, `escalateTo` may answer it too."),
    escalateTo: Type.Optional(Addressee),
    expireMs: Wait(
      "After this long it is over: `default` is the answer, or it fails. Seven days by default.",
    ),
    default: Type.Optional(Type.Unknown({ description: "The answer where nobody gave one in time." })),
  },
  { $id: "Question", ...closed },
);
export type Question = Static<typeof Question>;

/** The answer to a question that asks for a yes or a no. */
export const Approval = Type.Object(
  {
    approved: Type.Boolean(),
    reason: Type.Optional(Type.String({ maxLength: limits.reasonLength })),
  },
  { $id: "Approval", ...closed },
);
export type Approval = Static<typeof Approval>;

/** The capability of questions that are for nobody in particular: every person may answer them. */
export const askCapability = "human.ask";
