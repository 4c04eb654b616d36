import type { Addressee, Budget, JoinPolicy, Priority, RetryPolicy } from "@muster/sdk/protocol";

/** A workflow as the engine runs it: every default filled in, every expression known to parse. */
export interface Workflow {
  name: string;
  description: string;
  /** JSON Schema of the inputs object: the file's `inputs`, completed to a closed object schema. */
  inputs: Record<string, unknown>;
  /** In the order of the file. */
  steps: WorkflowStep[];
  /** Template of the run's output; without it the output is one member per step that nobody needs. */
  output: Template | undefined;
  /** What a run may spend, unless whoever starts it says otherwise. */
  budget: Budget | undefined;
}

/** JSON whose strings may hold `${{ … }}`. A string that is one expression keeps the expression's type. */
export type Template = unknown;

export interface WorkflowStep {
  name: string;
  capability: string | undefined;
  agent: string | undefined;
  with: Template;
  needs: string[];
  /** Evaluates to a list of at most 10,000; the step becomes one task per item. See `evaluateForEach`. */
  forEach: Template | undefined;
  /**
   * A single expression, without `${{ }}`, that evaluates to a boolean; false skips the step. Evaluated once
   * for the step, before any fan-out and so without `item`. See `evaluateWhen`.
   */
  when: string | undefined;
  join: JoinPolicy;
  retry: RetryPolicy | undefined;
  timeoutMs: number | undefined;
  priority: Priority | undefined;
  /** A person has to say yes before its tasks are handed out. */
  approve: StepApproval | undefined;
  /**
   * Shapes the step's output from `result`: what its task gave, or with a fan-out the list of what its tasks
   * gave, in the order of the items, null for each that did not complete. Evaluated once for the step.
   */
  output: Template | undefined;
}

/** How the yes to a step is asked for. */
export interface StepApproval {
  /** May hold expressions; without it the question names the step and its tasks. */
  question: Template | undefined;
  to: Addressee | undefined;
  remindMs: number | undefined;
  expireMs: number | undefined;
}

/**
 * What expressions can see. `item` and `index` only in the `with` of a fan-out, `result` only in a step's
 * `output`. `steps` must hold every step that the expressions may name (for the output of a run that is every
 * step), also those that were skipped, failed or have not ended: their output is null.
 */
export interface Scope {
  inputs: Record<string, unknown>;
  steps: Record<string, { output: unknown; status: string }>;
  run: { id: string; workflow: string };
  item?: unknown;
  index?: number;
  result?: unknown;
}

/** A mistake in a workflow file. Line and column count from 1 and are absent where there is no text. */
export interface WorkflowProblem {
  message: string;
  hint: string | undefined;
  /** Where in the document, such as `steps.review.with.file`. */
  path: string;
  line: number | undefined;
  column: number | undefined;
}
