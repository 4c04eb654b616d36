import type { BudgetKind, BudgetState, TaskError } from "@muster/sdk/protocol";
import type { BudgetRow } from "../queue/statements/budgets.ts";
import { isoTime, isoTimeOrNull } from "../task-view.ts";

/** A row as the world sees it. */
export function budgetOf(row: BudgetRow): BudgetState {
  const limits = {
    moneyMicros: row.money_limit,
    tokens: row.token_limit,
    timeMs: row.time_ms,
    tasks: row.task_limit,
    depth: row.depth_limit,
    concurrency: row.concurrency_limit,
  };
  return {
    id: row.id,
    taskId: row.task_id,
    limits: Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== null)),
    onReached: row.on_reached,
    spent: { moneyMicros: row.money_spent, tokens: row.token_spent, tasks: row.tasks_made },
    reserved: { moneyMicros: row.money_reserved, tokens: row.token_reserved },
    reached: row.reached === null ? null : { kind: row.reached, at: isoTime(row.reached_at ?? 0) },
    endsAt: isoTimeOrNull(row.ends_at),
  };
}

const money = (micros: number): string => (micros / 1e6).toFixed(Number.isInteger(micros / 1e4) ? 2 : 6);

const words: Record<BudgetKind, (row: BudgetRow) => string> = {
  money: (row) =>
    `of ${money(row.money_limit ?? 0)} money; ${money(row.money_spent)} is spent${open(row.money_reserved, money)}`,
  tokens: (row) =>
    `of ${row.token_limit} tokens; ${row.token_spent} are spent${open(row.token_reserved, String)}`,
  time: (row) => `of ${(row.time_ms ?? 0) / 1_000} s`,
  tasks: (row) => `of ${row.task_limit} tasks; ${row.tasks_made} were made`,
};

const open = (amount: number, format: (amount: number) => string): string =>
  amount > 0 ? `, ${format(amount)} more is reserved` : "";

/** Which budget was reached, in words: "The run's budget of 2.50 money; 2.49 is spent, was reached." */
export function describeReached(row: BudgetRow): string {
  const whose = row.task_id === null ? "The run's budget" : `The budget of task ${row.task_id}`;
  const [limit, ...facts] = words[row.reached ?? "money"](row).split("; ");
  return `${whose} ${limit} was reached${facts.length === 0 ? "" : `: ${facts.join("; ")}`}.`;
}

export const reachedError = (row: BudgetRow): TaskError => ({
  code: "budget_reached",
  message: describeReached(row),
  retryable: false,
});
