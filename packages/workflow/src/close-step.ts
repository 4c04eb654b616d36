import type { StepStatus } from "@muster/sdk/protocol";
import { evaluate } from "./evaluate.ts";
import { ExpressionError } from "./expression-error.ts";
import type { Scope, WorkflowStep } from "./workflow.ts";

export interface StepMove {
  step: string;
  status: StepStatus;
  total?: number;
  output?: unknown;
  reason?: string | null;
}

export interface StepResult {
  id: string;
  status: string;
  output: unknown;
  error: { code: string; message: string } | null;
}

/**
 * How a step ends whose tasks have all ended: its outputs come together. Where the rest of the run is skipped, a task
 * that its budget did not allow is no failure (`forgiven`).
 */
export function closeStep(
  step: WorkflowStep,
  results: readonly StepResult[],
  scope: Scope,
  forgiven: boolean,
): StepMove {
  const outputs = results.map((result) => (result.status === "completed" ? result.output : null));
  const missing = results.filter((result) => result.status !== "completed");
  const failed = missing.filter((result) => !forgiven || result.error?.code !== "budget_reached");
  if (missing.length > failed.length && failed.length === 0 && missing.length === results.length)
    return { step: step.name, status: "skipped", output: null, reason: missing[0]?.error?.message ?? null };
  const first = failed[0];
  if (first !== undefined && step.forEach === undefined)
    return { step: step.name, status: "failed", output: null, reason: describe(first) };
  const result = step.forEach === undefined ? (outputs[0] ?? null) : outputs;
  const reason =
    first !== undefined
      ? `${failed.length} of ${results.length} tasks failed, the first with ${describe(first)}`
      : missing.length > 0
        ? `${missing.length} of ${results.length} tasks were skipped: ${missing[0]?.error?.message}`
        : null;
  try {
    const output = step.output === undefined ? result : evaluate(step.output, { ...scope, result });
    return { step: step.name, status: first === undefined ? "completed" : "failed", output, reason };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { step: step.name, status: "failed", output: null, reason: `output: ${error.message}` };
  }
}

const describe = ({ error }: StepResult): string => `${error?.code}: ${error?.message}`;
