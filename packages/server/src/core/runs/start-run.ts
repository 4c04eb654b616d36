import { type Budget, type ErrorCode, MusterError, type RunStart } from "@muster/sdk/protocol";
import { checkInputs, readWorkflow, type Workflow, type WorkflowProblem } from "@muster/workflow";
import type { Queryable } from "../../ports/database.ts";
import type { Aftermath } from "../aftermath.ts";
import { hasLimit, newBudget } from "../budgets/new-budget.ts";
import { insertBudgets } from "../queue/statements/budgets.ts";
import { startRun } from "../queue/statements/runs.ts";
import { payloadText } from "../validate.ts";
import { type AdvanceDependencies, advanceRun } from "./advance-run.ts";

/** A run that was checked and can be written. Documents are JSON texts. */
export interface PreparedRun {
  workflow: Workflow;
  document: string;
  inputs: string;
  budget: Budget | null;
}

/** Checks the workflow and its inputs, or refuses them with every mistake. */
export function prepareRun(request: Pick<RunStart, "workflow" | "inputs" | "budget">): PreparedRun {
  const { workflow, problems } = readWorkflow(request.workflow);
  if (workflow === undefined || problems.length > 0)
    throw refusal("invalid_workflow", "The workflow", problems);
  const checked = checkInputs(workflow, request.inputs ?? {});
  if (checked.problems.length > 0) throw refusal("invalid_input", "The inputs", checked.problems);
  return {
    workflow,
    document: payloadText(request.workflow, "The workflow"),
    inputs: payloadText(checked.inputs, "The inputs"),
    budget: budgetFor(workflow, request),
  };
}

/** Writes a run and opens its first steps, inside the caller's transaction. */
export async function startWithin(
  deps: AdvanceDependencies,
  tx: Queryable,
  { workflow, document, inputs, budget }: PreparedRun,
  { id, tenant }: { id: string; tenant: string },
): Promise<Aftermath[]> {
  const now = deps.clock.now();
  const budgetId = budget === null ? null : deps.ids.next();
  const steps = stepsText(workflow);
  await tx.query(startRun, [id, tenant, workflow.name, document, inputs, now, steps, budgetId]);
  if (budget === null || budgetId === null) return advanceRun(deps, tx, id);
  const place = { id: budgetId, parent_id: null, tenant, run_id: id, task_id: null, base_depth: 0 };
  const row = newBudget({ ...place, tasks_made: 0 }, budget);
  await tx.query(insertBudgets, [JSON.stringify([row]), now]);
  const dueAt = budget.timeMs === undefined ? {} : { dueAt: now + budget.timeMs };
  return [dueAt, ...(await advanceRun(deps, tx, id))];
}

/** The workflow's own budget, each limit of which the request may replace. Null: none. */
function budgetFor(workflow: Workflow, request: Pick<RunStart, "budget">): Budget | null {
  const budget = { ...workflow.budget, ...request.budget };
  if (hasLimit(budget)) return budget;
  if (request.budget === undefined && workflow.budget === undefined) return null;
  throw new MusterError("invalid_request", "The budget limits nothing.", {
    hint: "Give it moneyMicros, tokens, timeMs, tasks, depth or concurrency.",
  });
}

const stepsText = (workflow: Workflow): string =>
  JSON.stringify(
    workflow.steps.map((step, position) => ({
      step: step.name,
      position,
      capability: step.capability ?? null,
    })),
  );

function refusal(code: ErrorCode, what: string, problems: readonly WorkflowProblem[]): MusterError {
  const first = problems[0];
  const place = first?.path ? `${first.path}: ` : "";
  return new MusterError(code, `${what} can't be used: ${place}${first?.message}`, {
    ...(first?.hint === undefined ? {} : { hint: first.hint }),
    errors: problems.map(({ path, message }) => ({ path, message })),
  });
}
