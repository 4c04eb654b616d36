import { type Budget, limits, OnReached } from "@muster/sdk/protocol";
import Type, { type Static } from "typebox";
import { moneyPattern, parseMoney, parseTokens, tokensPattern } from "./amount.ts";
import { didYouMean } from "./closest-name.ts";
import { durationPattern, parseDuration } from "./duration.ts";

const Duration = Type.Union(
  [
    Type.String({ pattern: durationPattern, description: "a duration such as 30s, 5m or 1h30m" }),
    Type.Number({ exclusiveMinimum: 0, maximum: limits.durationMs / 1_000 }),
  ],
  { description: "a duration such as 30s, 5m or 1h30m, or a number of seconds" },
);

const count = (minimum: number, maximum: number, description: string) =>
  Type.Optional(Type.Integer({ minimum, maximum, description }));

/** The `budget` of a workflow file. */
export const BudgetDocument = Type.Object(
  {
    money: Type.Optional(
      Type.Union(
        [
          Type.String({ pattern: moneyPattern, description: "an amount such as 2.50" }),
          Type.Number({ exclusiveMinimum: 0, maximum: limits.budgetMoneyMicros / 1_000_000 }),
        ],
        { description: "an amount of money such as 2.50" },
      ),
    ),
    tokens: Type.Optional(
      Type.Union(
        [
          Type.String({ pattern: tokensPattern, description: "a number of tokens such as 5000, 100k or 2M" }),
          Type.Integer({ minimum: 1, maximum: limits.budgetTokens }),
        ],
        { description: "a number of tokens such as 5000, 100k or 2M" },
      ),
    ),
    time: Type.Optional(Duration),
    tasks: count(1, limits.budgetTasks, "Tasks, sub-tasks included."),
    depth: count(0, limits.delegationDepth, "Levels of delegation; 0 allows none."),
    concurrency: count(1, limits.budgetConcurrency, "Tasks in progress at once."),
    "on-reached": Type.Optional(
      Type.Enum(OnReached.enum, { description: "What happens when it is reached; fail by default." }),
    ),
  },
  { additionalProperties: false, description: "What a run may spend." },
);
export type BudgetDocument = Static<typeof BudgetDocument>;

/** Bounds that a pattern can't express: the wrong values by key, with what each must be. */
export function findWrongAmounts(budget: Record<string, unknown>): { key: string; must: string }[] {
  const wrong: { key: string; must: string }[] = [];
  const { money, tokens, time } = budget;
  const check = (key: string, amount: number | undefined, most: number, must: string) => {
    if (amount === undefined || amount < 1 || amount > most) wrong.push({ key, must });
  };
  if (typeof money === "number" || isText(money, moneyPattern))
    check(
      "money",
      parseMoney(money),
      limits.budgetMoneyMicros,
      "between 0.000001 and 1000000000, with up to six places",
    );
  if (isText(tokens, tokensPattern))
    check("tokens", parseTokens(tokens), limits.budgetTokens, "a whole number between 1 and 1000000M");
  if (isText(time, durationPattern))
    check("time", parseDuration(time), limits.durationMs, "between 1ms and 7d");
  return wrong;
}

const isText = (value: unknown, pattern: string): value is string =>
  typeof value === "string" && new RegExp(pattern).test(value);

/** A budget that was found to be right, as the protocol has it. */
export function buildBudget(document: BudgetDocument): Budget {
  const { money, tokens, time, tasks, depth, concurrency, "on-reached": onReached } = document;
  const parts = {
    moneyMicros: money === undefined ? undefined : parseMoney(money),
    tokens: tokens === undefined ? undefined : parseTokens(tokens),
    timeMs: time === undefined ? undefined : parseDuration(time),
    tasks,
    depth,
    concurrency,
    onReached,
  };
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}

const counts = {
  tasks: [1, limits.budgetTasks],
  depth: [0, limits.delegationDepth],
  concurrency: [1, limits.budgetConcurrency],
} as const;

/** The limits that a command line gives as `money=2.50,tokens=100k`; or what is wrong with them. */
export function parseBudget(text: string): { budget: Budget } | { mistake: string; hint?: string } {
  const given = new Map<string, string>();
  for (const part of text.split(",")) {
    const [, name, value] = /^\s*([^=\s]+)\s*=\s*(\S+)\s*$/.exec(part) ?? [];
    if (name === undefined || value === undefined)
      return { mistake: `"${part.trim()}" is not name=value`, hint: "for example money=2.50,tokens=100k" };
    if (given.has(name)) return { mistake: `${name} is there twice` };
    given.set(name, value);
  }
  return readGiven(given);
}

const names = ["money", "tokens", "time", "tasks", "depth", "concurrency"];

function readGiven(
  given: ReadonlyMap<string, string>,
): { budget: Budget } | { mistake: string; hint?: string } {
  const document: Record<string, unknown> = {};
  for (const [name, value] of given) {
    if (!names.includes(name)) {
      const hint = didYouMean(name, names) ?? `possible here: ${names.join(", ")}`;
      return { mistake: `a budget has no ${name}`, hint };
    }
    const mistake = mistakeIn(name, value);
    if (mistake !== undefined) return { mistake };
    document[name] = name in counts ? Number(value) : value;
  }
  const [wrong] = findWrongAmounts(document);
  if (wrong !== undefined) return { mistake: `${wrong.key} must be ${wrong.must}` };
  return { budget: buildBudget(document as BudgetDocument) };
}

function mistakeIn(name: string, value: string): string | undefined {
  if (name === "money")
    return isText(value, moneyPattern) ? undefined : "money must be an amount such as 2.50";
  if (name === "tokens")
    return isText(value, tokensPattern) ? undefined : "tokens must be a number such as 5000, 100k or 2M";
  if (name === "time")
    return isText(value, durationPattern) ? undefined : "time must be a duration such as 30s, 5m or 1h30m";
  const [least, most] = counts[name as keyof typeof counts];
  const right = /^\d{1,9}$/.test(value) && Number(value) >= least && Number(value) <= most;
  return right ? undefined : `${name} must be a whole number from ${least} to ${most}`;
}
