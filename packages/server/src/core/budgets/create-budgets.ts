import type { NextTurn } from "../group.ts";
import { type BudgetKeeperDependencies, createBudgetKeeper, type Told } from "./budget-keeper.ts";
import { createRecordUsage } from "./record-usage.ts";

/** Everything that has to do with budgets, for those who spend and those who look after what is reached. */
export function createBudgets(deps: BudgetKeeperDependencies & { nextTurn?: NextTurn }) {
  const keeper = createBudgetKeeper(deps);
  return {
    ...keeper,
    /** What agents come by, and what they need for it. */
    doors: {
      recordUsage: createRecordUsage({ ...deps, onReached: keeper.follow }),
      onTasksUsedUp: (ids: readonly string[], told: Told) => keeper.reach(ids, "tasks", told),
    },
  };
}

export type Budgets = ReturnType<typeof createBudgets>;
