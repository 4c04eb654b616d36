import type { OnReached } from "@muster/sdk/protocol";
import type { Violation } from "./event-rules.ts";
import { completions } from "./mutations.ts";

/** What happened to budgets, and which tasks were handed out, in the order of commits. */
export type SpendingMove =
  | { kind: "reached"; id: string }
  | { kind: "raised"; id: string }
  | { kind: "begun"; id: string; resumed: boolean };

export interface JudgedBudget {
  id: string;
  on_reached: OnReached;
}

/** A task and the budgets that it is under, the outermost first. */
export interface BudgetedTask {
  id: string;
  path: string[];
}

interface Row {
  id: string;
  kind?: string;
  resumed?: boolean;
  handed?: { resumed?: boolean } | null;
}

/** Told of what each statement answered, at its commit: writes down what budgets and leases went through. */
export function createSpendingWitness(moves: SpendingMove[]) {
  return (statement: string, rows: readonly unknown[]): void => {
    for (const { id, kind, resumed = false, handed } of rows as Row[]) {
      if (statement === "mark_reached") moves.push({ kind: "reached", id });
      if (statement === "raise_budget") moves.push({ kind: "raised", id });
      if (statement === "claim") moves.push({ kind: "begun", id, resumed });
      if (completions.has(statement) && kind === "handed")
        moves.push({ kind: "begun", id, resumed: handed?.resumed ?? false });
    }
  };
}

/**
 * Reads again what happened to budgets: nothing is handed out under one that was reached, until it is raised. Where the rest
 * is skipped, what began before may be brought to its end.
 */
export function checkSpending(
  moves: readonly SpendingMove[],
  budgets: readonly JudgedBudget[],
  tasks: readonly BudgetedTask[],
): Violation[] {
  const violations: Violation[] = [];
  const policyOf = new Map(budgets.map((budget) => [budget.id, budget.on_reached]));
  const pathOf = new Map(tasks.map((task) => [task.id, task.path]));
  const reached = new Set<string>();
  for (const move of moves) {
    if (move.kind === "reached") reached.add(move.id);
    if (move.kind === "raised") reached.delete(move.id);
    if (move.kind !== "begun") continue;
    const { id: taskId, resumed } = move;
    const mayGoOn = (id: string) => !reached.has(id) || (resumed && policyOf.get(id) === "skip-rest");
    const stopping = (pathOf.get(taskId) ?? []).find((id) => !mayGoOn(id));
    if (stopping === undefined) continue;
    const detail = `was handed out though budget ${stopping} above it was reached`;
    violations.push({ rule: "nothing begins under a reached budget", detail, taskIds: [taskId] });
  }
  return violations;
}
