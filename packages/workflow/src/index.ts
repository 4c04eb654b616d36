/**
 * The workflow language of Muster. A workflow file is YAML: inputs, and steps that need each other. Reading
 * one checks everything that can be known before anything runs and tells every mistake with its line. What is
 * left for a run is to fill in templates: strings with `${{ … }}` expressions, written in CEL.
 */
export { parseBudget } from "./budget.ts";
export { checkInputs } from "./check-inputs.ts";
export { closeStep, type StepMove } from "./close-step.ts";
export { type CoercedInput, coerceInput } from "./coerce-input.ts";
export { decideRun, decideSteps } from "./decide-steps.ts";
export { evaluate, evaluateForEach, evaluateWhen } from "./evaluate.ts";
export { ExpressionError } from "./expression-error.ts";
export { formatProblem } from "./problems.ts";
export { parseWorkflow, type ReadWorkflow, readWorkflow } from "./read-workflow.ts";
export { outputOfRun } from "./run-output.ts";
export { tasksOfStep } from "./step-tasks.ts";
export { withinTime } from "./within-time.ts";
export type { Scope, Template, Workflow, WorkflowProblem, WorkflowStep } from "./workflow.ts";
export { workflowLimits } from "./workflow-limits.ts";
export { WorkflowDocument } from "./workflow-schema.ts";
export { writeWorkflow } from "./write-workflow.ts";
export { type LoadedDocument, loadYaml } from "./yaml-document.ts";
