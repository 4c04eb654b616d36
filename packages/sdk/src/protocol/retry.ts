import Type, { type Static } from "typebox";
import { limits } from "./limits.ts";

/** A capability, a step or a task says of its retries what it needs to; the rest comes from the levels behind it. */

/** How delays grow: `exponential` delay × factor^(n−1), `linear` delay × n, `constant` always the delay. */
export const Backoff = Type.Enum(["exponential", "linear", "constant"], { $id: "Backoff" });
export type Backoff = Static<typeof Backoff>;

const Delay = (options: { default: number; description: string }) =>
  Type.Integer({ minimum: 1, maximum: limits.durationMs, ...options });

const Codes = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: limits.nameLength }), {
    maxItems: limits.retryCodes,
    description,
  });

/** One type for numbers and the word, so that whatever reads the schema need not choose between two. */
const Jitter = Type.Unsafe<number | "full">({
  type: ["number", "string"],
  minimum: 0,
  maximum: 1,
  pattern: "^full$",
  default: 0.2,
  description: "Share by which a delay may vary, or `full`: anything from none to the whole delay.",
});

/** When a failed attempt is followed by another, and after how long. */
export const RetryPolicy = Type.Object(
  {
    maxAttempts: Type.Optional(
      Type.Integer({ minimum: 1, maximum: limits.attempts, default: 4, description: "Attempts in total." }),
    ),
    backoff: Type.Optional(Backoff),
    delayMs: Type.Optional(Delay({ default: 2_000, description: "Delay before the second attempt." })),
    factor: Type.Optional(
      Type.Number({ minimum: 1, maximum: 10, default: 2, description: "Growth of an exponential backoff." }),
    ),
    maxDelayMs: Type.Optional(Delay({ default: 60_000, description: "No delay is longer." })),
    jitter: Type.Optional(Jitter),
    never: Type.Optional(Codes("Codes of errors after which nothing is tried again.")),
    always: Type.Optional(
      Codes("Codes of errors after which it is tried again, even if the agent said it does not help."),
    ),
  },
  { $id: "RetryPolicy", additionalProperties: false },
);
export type RetryPolicy = Static<typeof RetryPolicy>;

/** What holds where nobody says anything. */
export const defaultRetry = {
  maxAttempts: 4,
  backoff: "exponential",
  delayMs: 2_000,
  factor: 2,
  maxDelayMs: 60_000,
  jitter: 0.2,
} as const satisfies RetryPolicy;

/**
 * How many retries a capability may have in all: some per minute, and a share of what it lately completed. What is
 * beyond that waits.
 */
export const RetryBudget = Type.Object(
  {
    perMinute: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: limits.retriesPerMinute,
        default: 300,
        description: "Retries a minute that are always possible; one minute's worth can be saved up.",
      }),
    ),
    share: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 10,
        default: 0.2,
        description: "Further retries for each task that the capability lately completed.",
      }),
    ),
  },
  { $id: "RetryBudget", additionalProperties: false },
);
export type RetryBudget = Static<typeof RetryBudget>;

export const defaultRetryBudget = { perMinute: 300, share: 0.2 } as const satisfies RetryBudget;

const Tenant = Type.String({ minLength: 1, maxLength: limits.nameLength });

/** What an operator says of the retries of a capability. It replaces what was said before. */
export const RetryPolicyUpdate = Type.Object(
  {
    tenant: Type.Optional(Tenant),
    policy: Type.Optional(RetryPolicy),
    budget: Type.Optional(RetryBudget),
  },
  { $id: "RetryPolicyUpdate", additionalProperties: false },
);
export type RetryPolicyUpdate = Static<typeof RetryPolicyUpdate>;

export const RetryPolicySetting = Type.Object(
  {
    capability: Type.String(),
    tenant: Type.String({ description: "`*`: for every tenant that has no setting of its own." }),
    policy: RetryPolicy,
    budget: Type.Union([RetryBudget, Type.Null()]),
    setAt: Type.String({ format: "date-time" }),
    setBy: Type.String({ description: "Name of the key." }),
  },
  { $id: "RetryPolicySetting" },
);
export type RetryPolicySetting = Static<typeof RetryPolicySetting>;

/** What is wrong with a policy beyond its schema; null where nothing is. */
export const retryMistake = (policy: RetryPolicy): { field: keyof RetryPolicy; message: string } | null => {
  const { delayMs, maxDelayMs, never = [], always = [] } = policy;
  if (delayMs !== undefined && maxDelayMs !== undefined && maxDelayMs < delayMs)
    return { field: "maxDelayMs", message: `is ${maxDelayMs}, less than delayMs, which is ${delayMs}` };
  const both = always.find((code) => never.includes(code));
  return both === undefined ? null : { field: "always", message: `names "${both}", as never does` };
};
