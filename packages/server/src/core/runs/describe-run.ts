import type { BudgetState, Run, RunStatus, StepStatus } from "@muster/sdk/protocol";
import type { RunRow, StepRow } from "../queue/statements/runs.ts";
import { isoTime, isoTimeOrNull } from "../task-view.ts";

/** A row with what belongs to it, as the world sees it. */
export function runOf(row: RunRow, steps: readonly StepRow[], budget: BudgetState | null): Run {
  const status = row.status === "running" && row.paused_at !== null ? "paused" : row.status;
  return {
    id: row.id,
    workflow: row.workflow,
    status: status as RunStatus,
    tenant: row.tenant,
    inputs: row.inputs,
    output: row.output,
    error: row.error,
    steps: steps.map((step) => ({
      name: step.step,
      status: step.status as StepStatus,
      capability: step.capability,
      tasks: { total: step.total, completed: step.completed, failed: step.failed },
      reason: step.reason,
    })),
    budget,
    createdAt: isoTime(row.created_at),
    finishedAt: isoTimeOrNull(row.ended_at),
  };
}
