import { type BudgetLimits, BudgetResume, limits, MusterError } from "@muster/sdk/protocol";
import type { Queryable } from "../../ports/database.ts";
import {
  type BudgetRow,
  lockBudgets,
  raiseBudget,
  readBudgets,
  thawBudgets,
} from "../queue/statements/budgets.ts";
import { parse } from "../validate.ts";
import { describeReached } from "./describe-budget.ts";

interface Kind {
  name: keyof BudgetLimits;
  limit: "money_limit" | "token_limit" | "time_ms" | "task_limit" | "depth_limit" | "concurrency_limit";
  most: number;
  /** How much of it was used; left out for what can't be used up. */
  used?: (row: BudgetRow) => number;
}

const kinds: readonly Kind[] = [
  {
    name: "moneyMicros",
    limit: "money_limit",
    most: limits.budgetMoneyMicros,
    used: (row) => row.money_spent,
  },
  {
    name: "tokens",
    limit: "token_limit",
    most: limits.budgetTokens,
    used: (row) => row.token_spent,
  },
  {
    name: "timeMs",
    limit: "time_ms",
    most: limits.durationMs,
    used: (row) => (row.time_ms ?? 0) - (row.time_left_ms ?? 1),
  },
  {
    name: "tasks",
    limit: "task_limit",
    most: limits.budgetTasks,
    used: (row) => row.tasks_made,
  },
  { name: "depth", limit: "depth_limit", most: limits.delegationDepth },
  {
    name: "concurrency",
    limit: "concurrency_limit",
    most: limits.budgetConcurrency,
  },
];

/** Raises a budget and lets it go on, inside the caller's transaction. Answers the next moment at which time is over. */
export async function raise(
  tx: Queryable,
  budgetId: string,
  add: BudgetLimits,
  now: number,
): Promise<{ before: BudgetRow; dueAt: number }> {
  await tx.query(lockBudgets, [[budgetId]]);
  const [before] = await tx.query(readBudgets, [[budgetId]]);
  if (before === undefined) throw new MusterError("not_found", "The budget is gone.");
  refuse(before, add);
  const more = kinds.map(({ name }) => add[name] ?? 0);
  await tx.query(raiseBudget, [budgetId, ...more]);
  const thawed = await tx.query(thawBudgets, [budgetId, now]);
  return { before, dueAt: Math.min(...thawed.map((row) => row.ends_at)) };
}

export const parseResume = (request: unknown): BudgetLimits =>
  parse(BudgetResume, request, "The request").add ?? {};

function refuse(row: BudgetRow, add: BudgetLimits): void {
  if (row.reached === null && Object.keys(add).length === 0)
    throw new MusterError("conflict", "It is not paused.", {
      hint: "Say what to add to its budget, or leave it.",
    });
  for (const { name, limit, most, used } of kinds) {
    const bound = row[limit];
    const more = add[name] ?? 0;
    if (bound === null && more > 0)
      throw new MusterError("invalid_request", `add/${name}: its budget does not limit that.`);
    if (bound === null) continue;
    if (bound + more > most)
      throw new MusterError("invalid_request", `add/${name}: the budget would hold more than ${most}.`);
    if (used === undefined || used(row) < bound + more) continue;
    throw new MusterError(
      "conflict",
      `${row.reached === null ? "It is used up." : describeReached(row)} What is added does not make room.`,
      { hint: `Add more of ${name}.` },
    );
  }
}
