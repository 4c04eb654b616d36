import { Backoff, JoinPolicy, limits, Name, PersonName, Priority } from "@muster/sdk/protocol";
import Type from "typebox";
import { BudgetDocument } from "./budget.ts";
import { durationPattern } from "./duration.ts";
import { workflowLimits } from "./workflow-limits.ts";

/**
 * The shape of a workflow file as a JSON Schema. It is what editors complete and check against
 * (workflow.schema.json is generated from it) and what the checks here start from, so the two can't differ.
 * Every description reads well behind "must be" or stands alone in an editor's tooltip.
 */

/** Names of steps and inputs: they stand in expressions, where a hyphen would be a minus. */
const identifierPattern = "^(?!(in|true|false|null)$)[A-Za-z][A-Za-z0-9_]*$";

const Duration = Type.Union(
  [
    Type.String({ pattern: durationPattern, description: "a duration such as 30s, 5m or 1h30m" }),
    Type.Number({ exclusiveMinimum: 0, maximum: limits.durationMs / 1_000 }),
  ],
  { description: "a duration such as 30s, 5m or 1h30m, or a number of seconds" },
);

/** One type for both, so that a mistake is told in one sentence. */
const Jitter = Type.Unsafe<number | "full">({
  type: ["number", "string"],
  minimum: 0,
  maximum: 1,
  pattern: "^full$",
  description: "a share from 0 to 1 by which a delay may vary, or full",
});

const Codes = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: limits.nameLength }), {
    maxItems: limits.retryCodes,
    description,
  });

const Retry = Type.Union(
  [
    Type.Integer({ minimum: 1, maximum: limits.attempts }),
    Type.Object(
      {
        attempts: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: limits.attempts,
            description: "Attempts in total, the first included.",
          }),
        ),
        delay: Type.Optional(Duration),
        factor: Type.Optional(
          Type.Number({
            minimum: 1,
            maximum: 10,
            description: "Each delay is this many times the one before.",
          }),
        ),
        "max-delay": Type.Optional(Duration),
        backoff: Type.Optional(
          Type.Enum(Backoff.enum, { description: "How delays grow: exponential, linear or constant." }),
        ),
        jitter: Type.Optional(Jitter),
        never: Type.Optional(Codes("codes of errors after which nothing is tried again")),
        always: Type.Optional(Codes("codes of errors after which it is tried again in any case")),
      },
      { additionalProperties: false },
    ),
  ],
  {
    description:
      "a number of attempts, or an object with attempts, backoff, delay, factor, max-delay, jitter, never and always",
  },
);

const Approve = Type.Union(
  [
    Type.Boolean(),
    Type.Object(
      {
        question: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: limits.textLength,
            description: "What the person is asked. May hold ${{ … }}.",
          }),
        ),
        person: Type.Optional(
          Type.Unsafe<string>({ ...PersonName, description: "the name of the one person who is asked" }),
        ),
        capability: Type.Optional(
          Type.Unsafe<string>({ ...Name, description: "the name of a capability of those who are asked" }),
        ),
        remind: Type.Optional(Duration),
        expire: Type.Optional(Duration),
      },
      { additionalProperties: false },
    ),
  ],
  {
    description:
      "true, or an object with question, person, capability, remind and expire: a person has to say yes first",
  },
);

const Step = Type.Object(
  {
    capability: Type.Optional(
      Type.Unsafe<string>({
        ...Name,
        description: "the name of a capability: letters, digits and . _ : / -",
      }),
    ),
    agent: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: limits.nameLength,
        description: "Name or id of the one agent that shall do it.",
      }),
    ),
    with: Type.Optional(Type.Unknown({ description: "The input of the task. Strings may hold ${{ … }}." })),
    needs: Type.Optional(
      Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: limits.dependenciesPerTask })], {
        description: "the name of a step, or a list of names",
      }),
    ),
    "for-each": Type.Optional(
      Type.Union(
        [
          Type.String({ minLength: 1 }),
          Type.Array(Type.Unknown(), { maxItems: workflowLimits.iteratedItems }),
        ],
        {
          description: "an expression that gives a list, or a list: the step becomes one task per item",
        },
      ),
    ),
    when: Type.Optional(
      Type.Union([Type.String({ minLength: 1 }), Type.Boolean()], {
        description: "an expression that gives true or false; false skips the step",
      }),
    ),
    join: Type.Optional(Type.Enum(JoinPolicy.enum, { description: "When a step with needs may run." })),
    retry: Type.Optional(Retry),
    timeout: Type.Optional(Duration),
    priority: Type.Optional(Type.Enum(Priority.enum)),
    approve: Type.Optional(Approve),
    output: Type.Optional(Type.Unknown({ description: "Shapes the step's output from `result`." })),
  },
  { additionalProperties: false, anyOf: [{ required: ["capability"] }, { required: ["agent"] }] },
);

const Input = Type.Object(
  {
    description: Type.Optional(Type.String({ maxLength: limits.textLength })),
    default: Type.Optional(
      Type.Unknown({ description: "Used when the input is not given; makes it optional." }),
    ),
    required: Type.Optional(
      Type.Union([Type.Boolean(), Type.Array(Type.String())], {
        description: "true or false (or, for an object, the list of its required members)",
      }),
    ),
  },
  {
    description: "A JSON Schema (draft 2020-12); `required: false` or a `default` makes the input optional.",
  },
);

export const WorkflowDocument = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: limits.nameLength,
      pattern: "^[^\\x00-\\x1f\\x7f]*$",
      description: "one line of text",
    }),
    description: Type.Optional(Type.String({ maxLength: limits.textLength })),
    inputs: Type.Optional(
      Type.Record(Type.String({ pattern: identifierPattern }), Input, {
        additionalProperties: false,
        maxProperties: workflowLimits.inputs,
      }),
    ),
    steps: Type.Record(Type.String({ pattern: identifierPattern }), Step, {
      additionalProperties: false,
      minProperties: 1,
      maxProperties: workflowLimits.steps,
    }),
    budget: Type.Optional(BudgetDocument),
    output: Type.Optional(Type.Unknown({ description: "Output of the run. Strings may hold ${{ … }}." })),
  },
  {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Muster workflow",
    additionalProperties: false,
  },
);
