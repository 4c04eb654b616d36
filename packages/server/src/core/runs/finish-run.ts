import type { StepStatus } from "@muster/sdk/protocol";
import { ExpressionError, evaluate, type Scope, type Workflow } from "@muster/workflow";
import type { Queryable } from "../../ports/database.ts";
import { endRun, type RunRow, type StepRow } from "../queue/statements/runs.ts";

/** What expressions of a run can see. */
export function scopeOf(workflow: Workflow, run: RunRow, rows: ReadonlyMap<string, StepRow>): Scope {
  const steps = [...rows].map(
    ([name, row]) => [name, { output: row.output ?? null, status: row.status }] as const,
  );
  return {
    inputs: run.inputs,
    steps: Object.fromEntries(steps),
    run: { id: run.id, workflow: workflow.name },
  };
}

export const statesOf = (rows: ReadonlyMap<string, StepRow>) =>
  new Map([...rows].map(([name, row]) => [name, { status: row.status as StepStatus, reason: row.reason }]));

/**
 * Ends a run whose steps have all ended. `partial`: the rest of it was skipped, so that its output may lack what it is
 * made of.
 */
export async function finishRun(
  tx: Queryable,
  workflow: Workflow,
  run: RunRow,
  rows: ReadonlyMap<string, StepRow>,
  { failedStep, partial, now }: { failedStep: string | null; partial: boolean; now: number },
): Promise<void> {
  let status = failedStep === null ? "completed" : "failed";
  let error =
    failedStep === null
      ? null
      : { code: "step_failed", message: `Step ${failedStep} failed: ${rows.get(failedStep)?.reason}` };
  let output: unknown = null;
  try {
    output = outputOf(workflow, run, rows);
  } catch (cause) {
    if (!(cause instanceof ExpressionError)) throw cause;
    if (partial) output = stepOutputs(rows, [...rows.keys()]);
    else {
      // A failed run may lack what its output is made of; that is no second failure.
      error ??= { code: "invalid_output", message: `The workflow's output can't be made: ${cause.message}` };
      status = "failed";
    }
  }
  const reason = error === null ? null : JSON.stringify(error);
  await tx.query(endRun, [run.id, now, status, JSON.stringify(output), reason]);
}

function outputOf(workflow: Workflow, run: RunRow, rows: ReadonlyMap<string, StepRow>): unknown {
  if (workflow.output !== undefined) return evaluate(workflow.output, scopeOf(workflow, run, rows));
  const needed = new Set(workflow.steps.flatMap((step) => step.needs));
  const last = workflow.steps.filter((step) => !needed.has(step.name)).map((step) => step.name);
  return stepOutputs(rows, last);
}

const stepOutputs = (rows: ReadonlyMap<string, StepRow>, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, rows.get(name)?.output ?? null]));
