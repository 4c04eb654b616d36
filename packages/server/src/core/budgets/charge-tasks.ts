import { limits, MusterError } from "@muster/sdk/protocol";
import type { Queryable } from "../../ports/database.ts";
import type { Origin, Plan } from "../intake/plan-tasks.ts";
import {
  type BudgetRow,
  countTasksMade,
  countTree,
  insertBudgets,
  lockBudgets,
  readPaths,
} from "../queue/statements/budgets.ts";
import { describeReached } from "./describe-budget.ts";
import type { NewBudget } from "./new-budget.ts";

/** Tasks were not made because a budget allows no more of them. It has to be marked as reached once this is undone. */
export class TasksUsedUp extends MusterError {
  readonly budgetIds: readonly string[];

  constructor(budgets: readonly BudgetRow[], more: number) {
    const [first] = budgets as [BudgetRow];
    super(
      "budget_reached",
      `${more} more ${more === 1 ? "task does" : "tasks do"} not fit the budget of ${first.task_limit} tasks; ${first.tasks_made} were made.`,
    );
    this.budgetIds = budgets.map((budget) => budget.id);
  }
}

/**
 * Charges the tasks of a plan to the budgets that they are under, and writes the budgets that they bring along, or
 * refuses all of it. Inside the caller's transaction, before any task is locked.
 */
export async function chargeTasks(tx: Queryable, plan: Plan, origin: Origin, now: number): Promise<void> {
  const made = new Set(plan.tasks.map((task) => task.id));
  const added = plan.budgets.filter((budget) => made.has(budget.task_id as string));
  if (origin.budgetId !== undefined && plan.tasks.length > 0) {
    await tx.query(lockBudgets, [[origin.budgetId]]);
    const path = await tx.query(readPaths, [[origin.budgetId]]);
    refuseStopped(path);
    refuseDepth(path, origin.depth ?? 0);
    for (const budget of added) refuseLarger(budget, path);
    const full = path.filter(
      ({ task_limit, tasks_made }) => task_limit !== null && tasks_made + made.size > task_limit,
    );
    if (full.length > 0) throw new TasksUsedUp(full, made.size);
    await tx.query(countTasksMade, [path.map((budget) => budget.id), made.size]);
    if (added.length > 0) await refuseCrowd(tx, path, added.length);
  }
  if (added.length > 0) await tx.query(insertBudgets, [JSON.stringify(added), now]);
}

/** While a budget pauses, work may still be handed in: it waits. */
function refuseStopped(path: readonly BudgetRow[]): void {
  const stopped = path.find((budget) => budget.reached !== null && budget.on_reached !== "pause");
  if (stopped !== undefined) throw new MusterError("budget_reached", describeReached(stopped));
}

function refuseDepth(path: readonly BudgetRow[], depth: number): void {
  const tight = path.find(
    ({ base_depth, depth_limit }) => depth_limit !== null && depth - base_depth > depth_limit,
  );
  if (tight === undefined) return;
  throw new MusterError(
    "limit_exceeded",
    `The budget allows ${tight.depth_limit} ${tight.depth_limit === 1 ? "level" : "levels"} of delegation.`,
  );
}

const bounds = [
  ["money_limit", "moneyMicros"],
  ["token_limit", "tokens"],
  ["time_ms", "timeMs"],
  ["task_limit", "tasks"],
  ["depth_limit", "depth"],
  ["concurrency_limit", "concurrency"],
] as const;

/** What is under a budget can't be given more than it has. */
function refuseLarger(budget: NewBudget, path: readonly BudgetRow[]): void {
  for (const [column, name] of bounds) {
    for (const above of path) {
      if (budget[column] === null || above[column] === null || budget[column] <= above[column]) continue;
      throw new MusterError(
        "invalid_request",
        `budget/${name} is ${budget[column]}, more than the ${above[column]} of the budget above it.`,
        { hint: "A sub-task can be given a smaller budget, never a larger one." },
      );
    }
  }
}

async function refuseCrowd(tx: Queryable, path: readonly BudgetRow[], more: number): Promise<void> {
  const [tree] = await tx.query(countTree, [[(path[0] as BudgetRow).root_id]]);
  if ((tree?.n ?? 0) + more <= limits.budgetsPerTree) return;
  throw new MusterError("limit_exceeded", `There may be ${limits.budgetsPerTree} budgets under one at most.`);
}
