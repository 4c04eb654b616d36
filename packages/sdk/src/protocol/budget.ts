import Type, { type Static } from "typebox";
import { limits } from "./limits.ts";

/**
 * What happens when a budget is reached. `fail`: what is under it fails, and the rest is cancelled. `pause`: nothing
 * more is handed out until somebody resumes it. `skip-rest`: what has not begun is left out, and the run completes
 * with what there is.
 */
export const OnReached = Type.Enum(["fail", "pause", "skip-rest"], { $id: "OnReached" });
export type OnReached = Static<typeof OnReached>;

/** A kind of spending that can be used up. Depth and concurrency only bound. */
export const BudgetKind = Type.Enum(["money", "tokens", "time", "tasks"], { $id: "BudgetKind" });
export type BudgetKind = Static<typeof BudgetKind>;

const whole = (minimum: number, maximum: number, description: string) =>
  Type.Optional(Type.Integer({ minimum, maximum, description }));

const limitProperties = {
  moneyMicros: whole(1, limits.budgetMoneyMicros, "Money in millionths: 2500000 is 2.50."),
  tokens: whole(1, limits.budgetTokens, "Tokens of language models."),
  timeMs: whole(1, limits.durationMs, "From the start; the time of a pause does not count."),
  tasks: whole(1, limits.budgetTasks, "Tasks, sub-tasks included."),
  depth: whole(0, limits.delegationDepth, "Levels of delegation; 0 allows none."),
  concurrency: whole(1, limits.budgetConcurrency, "Tasks in progress at once."),
};

/** The limits of a budget; what is left out is not limited. */
export const BudgetLimits = Type.Object(limitProperties, {
  $id: "BudgetLimits",
  additionalProperties: false,
});
export type BudgetLimits = Static<typeof BudgetLimits>;

/** What a run, or a task with everything below it, may spend. */
export const Budget = Type.Object(
  { ...limitProperties, onReached: Type.Optional(OnReached) },
  { $id: "Budget", additionalProperties: false, minProperties: 1 },
);
export type Budget = Static<typeof Budget>;

const Amounts = { moneyMicros: Type.Integer(), tokens: Type.Integer() };
const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** A budget as it stands. */
export const BudgetState = Type.Object(
  {
    id: Type.String({ format: "uuid" }),
    taskId: Nullable(Type.String({ description: "The task at the head of what it covers; null: the run." })),
    limits: BudgetLimits,
    onReached: OnReached,
    spent: Type.Object({ ...Amounts, tasks: Type.Integer() }),
    reserved: Type.Object(Amounts, { description: "For calls that are under way, at most." }),
    reached: Nullable(Type.Object({ kind: BudgetKind, at: Type.String({ format: "date-time" }) })),
    endsAt: Nullable(Type.String({ format: "date-time" })),
  },
  { $id: "BudgetState" },
);
export type BudgetState = Static<typeof BudgetState>;

/** How a budget goes on: what each of its limits gets in addition. */
export const BudgetResume = Type.Object(
  { add: Type.Optional(BudgetLimits) },
  { $id: "BudgetResume", additionalProperties: false },
);
export type BudgetResume = Static<typeof BudgetResume>;

/** What one call cost, or may cost at most. */
const usageAmounts = {
  moneyMicros: whole(0, limits.usageMoneyMicros, "Money in millionths."),
  tokens: whole(0, limits.usageTokens, "Tokens of language models."),
};
const UsageKey = Type.String({
  minLength: 1,
  maxLength: limits.keyLength,
  description: "Names one call within the task: what is reported twice under a key counts once.",
});

/** What an agent says of one call, beside the lease under which it makes it. */
export const usageReport = {
  key: UsageKey,
  kind: Type.Enum(["reserve", "spent"], { description: "Whether a call may be made, or what it cost." }),
  ...usageAmounts,
};

/** What an agent spent on one call. */
export const Usage = Type.Object(
  { key: Type.Optional(UsageKey), ...usageAmounts },
  { $id: "Usage", additionalProperties: false },
);
export type Usage = Static<typeof Usage>;

/** What an agent hears of its budget. */
export const UsageAnswer = Type.Object(
  {
    granted: Type.Boolean({ description: "Whether the call may be made; true for what was spent." }),
    reached: Nullable(BudgetKind),
    retryAfterMs: Type.Optional(
      Type.Integer({
        description: "Refused only because of calls under way: ask again after this, they may cost less.",
      }),
    ),
    left: Type.Object(
      { moneyMicros: Nullable(Type.Integer()), tokens: Nullable(Type.Integer()) },
      { description: "What may still be reserved; null: no limit." },
    ),
  },
  { $id: "UsageAnswer" },
);
export type UsageAnswer = Static<typeof UsageAnswer>;
