import type { BudgetKind } from "@muster/sdk/protocol";
import type { Database } from "../../ports/database.ts";
import { describeReached } from "../budgets/describe-budget.ts";
import { type BudgetRow, countActive, readPaths } from "../queue/statements/budgets.ts";
import type { TaskRow } from "../queue/statements/read-tasks.ts";
import type { Words } from "./explain.ts";

/** What could be added to a limit, as an example. */
const raise: Record<BudgetKind, string> = {
  money: "money=1",
  tokens: "tokens=100k",
  time: "time=10m",
  tasks: "tasks=100",
};

/** Of a task that is ready, and held back by one of the budgets that it is under. */
export async function explainBudget(
  database: Database,
  task: TaskRow & { budget_id: string },
): Promise<Words> {
  const path = await database.query(readPaths, [[task.budget_id]]);
  const reached = path.find((budget) => budget.reached !== null);
  if (reached !== undefined)
    return {
      summary: `It is held back: ${describeReached(reached)}`,
      reasons: [
        reached.on_reached === "pause"
          ? "Nothing below that budget is begun until somebody raises it."
          : "What is below that budget is being ended.",
      ],
      nextSteps: reached.on_reached === "pause" ? [resumeOf(reached)] : [],
    };
  const limited = path.filter((budget) => budget.concurrency_limit !== null).map(({ id }) => id);
  const active = new Map((await database.query(countActive, [limited])).map((row) => [row.id, row.active]));
  return {
    summary: "It waits until fewer tasks are in progress under its budget.",
    reasons: path
      .filter(({ id }) => active.has(id))
      .map(
        (budget) =>
          `${whose(budget)} allows ${budget.concurrency_limit} at once, and has ${active.get(budget.id)}.`,
      ),
    nextSteps: [],
  };
}

const whose = ({ task_id }: BudgetRow): string =>
  task_id === null ? "The run's budget" : `The budget of task ${task_id}`;

const resumeOf = ({ task_id, run_id, reached }: BudgetRow): string =>
  `muster ${task_id === null ? `run resume ${run_id}` : `task resume ${task_id}`} --add ${raise[reached ?? "money"]}`;
