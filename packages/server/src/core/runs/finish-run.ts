import type { StepStatus } from "@muster/sdk/protocol";
import { ExpressionError, outputOfRun, type Scope, type Workflow } from "@muster/workflow";
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
    output = outputOfRun(workflow, scopeOf(workflow, run, rows));
  } catch (cause) {
    if (!(cause instanceof ExpressionError)) throw cause;
    if (partial) output = Object.fromEntries([...rows].map(([name, row]) => [name, row.output ?? null]));
    else {
      // A failed run may lack what its output is made of; that is no second failure.
      error ??= { code: "invalid_output", message: `The workflow's output can't be made: ${cause.message}` };
      status = "failed";
    }
  }
  const reason = error === null ? null : JSON.stringify(error);
  await tx.query(endRun, [run.id, now, status, JSON.stringify(output), reason]);
}
