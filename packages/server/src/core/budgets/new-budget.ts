import type { Budget } from "@muster/sdk/protocol";
import type { BudgetRow } from "../queue/statements/budgets.ts";

/** A budget as the insert statement takes it: `parent_id` is the nearest one above; null: it is a root. */
export type NewBudget = Pick<
  BudgetRow,
  | "id"
  | "tenant"
  | "run_id"
  | "task_id"
  | "base_depth"
  | "on_reached"
  | "money_limit"
  | "token_limit"
  | "time_ms"
  | "task_limit"
  | "depth_limit"
  | "concurrency_limit"
  | "tasks_made"
> & { parent_id: string | null };

type Place = Pick<
  NewBudget,
  "id" | "parent_id" | "tenant" | "run_id" | "task_id" | "base_depth" | "tasks_made"
>;

export const newBudget = (place: Place, budget: Budget): NewBudget => ({
  ...place,
  on_reached: budget.onReached ?? "fail",
  money_limit: budget.moneyMicros ?? null,
  token_limit: budget.tokens ?? null,
  time_ms: budget.timeMs ?? null,
  task_limit: budget.tasks ?? null,
  depth_limit: budget.depth ?? null,
  concurrency_limit: budget.concurrency ?? null,
});

export const hasLimit = ({ onReached, ...limits }: Budget): boolean =>
  Object.values(limits).some((limit) => limit !== undefined);
