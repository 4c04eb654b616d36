import { limits, type RetryPolicy } from "@muster/sdk/protocol";
import type { Static } from "typebox";
import { checkExpressions } from "./check-expressions.ts";
import { checkShape } from "./check-shape.ts";
import { parseDuration } from "./duration.ts";
import { checkInputSchemas, type InputsSchema } from "./input-schema.ts";
import { loadJson } from "./json-document.ts";
import { isObject, type Path } from "./path.ts";
import { collectProblems, type ProblemCollector } from "./problems.ts";
import { checkGraph } from "./step-graph.ts";
import { bareExpression } from "./template.ts";
import type { Template, Workflow, WorkflowProblem, WorkflowStep } from "./workflow.ts";
import type { WorkflowDocument } from "./workflow-schema.ts";
import { type LoadedDocument, loadYaml } from "./yaml-document.ts";

export interface ReadWorkflow {
  /** Undefined when there is any problem. */
  workflow: Workflow | undefined;
  /** The file as plain JSON, to be sent to an orchestrator; undefined where the text is no YAML at all. */
  document: unknown;
  /** Everything that is wrong, in the order of the text. */
  problems: WorkflowProblem[];
}

/** Reads a workflow file and checks all that can be known before anything runs. Never throws. */
export const parseWorkflow = (text: string): ReadWorkflow => check(loadYaml(text));

/** The same for a document that came as JSON: the same checks, without lines and columns. */
export const readWorkflow = (document: unknown): ReadWorkflow => check(loadJson(document));

function check({ document, problems: found, locate }: LoadedDocument): ReadWorkflow {
  // A document that is broken as such would only give rise to problems that nobody made.
  if (found.length > 0) return { workflow: undefined, document, problems: found };
  const problems = collectProblems(locate);
  checkShape(document, problems);
  if (!isObject(document)) return { workflow: undefined, document, problems: problems.list() };
  const inputs = checkInputSchemas(document.inputs, problems);
  const graph = checkGraph(isObject(document.steps) ? document.steps : {}, problems);
  checkExpressions(document, graph, problems);
  checkDurations(document, problems);
  const workflow = problems.count > 0 ? undefined : build(document as unknown as ValidDocument, inputs);
  return { workflow, document, problems: problems.list() };
}

type ValidDocument = Static<typeof WorkflowDocument>;
type ValidStep = ValidDocument["steps"][string];

/** Bounds that a pattern can't express. */
function checkDurations(document: Record<string, unknown>, problems: ProblemCollector): void {
  const steps = isObject(document.steps) ? document.steps : {};
  for (const [name, step] of Object.entries(steps)) {
    if (!isObject(step)) continue;
    checkDuration(step.timeout, ["steps", name, "timeout"], problems);
    const retry = isObject(step.retry) ? step.retry : {};
    for (const key of ["delay", "max-delay"])
      checkDuration(retry[key], ["steps", name, "retry", key], problems);
  }
}

function checkDuration(value: unknown, path: Path, problems: ProblemCollector): void {
  const durationMs = typeof value === "string" ? parseDuration(value) : undefined;
  if (durationMs === undefined || (durationMs >= 1 && durationMs <= limits.durationMs)) return;
  problems.report({ message: `"${path.at(-1)}" must be between 1ms and 7d`, path });
}

function build(document: ValidDocument, inputs: InputsSchema): Workflow {
  return {
    name: document.name,
    description: document.description ?? "",
    inputs,
    steps: Object.entries(document.steps).map(([name, step]) => buildStep(name, step)),
    output: document.output,
  };
}

function buildStep(name: string, step: ValidStep): WorkflowStep {
  const { needs = [], timeout, when } = step;
  return {
    name,
    capability: step.capability,
    agent: step.agent,
    with: step.with,
    needs: typeof needs === "string" ? [needs] : needs,
    forEach: withBraces(step["for-each"]),
    when: when === undefined ? undefined : bareExpression(String(when))?.trim(),
    join: step.join ?? "all",
    retry: buildRetry(step.retry),
    timeoutMs: timeout === undefined ? undefined : parseDuration(timeout),
    priority: step.priority,
    output: step.output,
  };
}

/** An expression that may be bare as a template. */
function withBraces(template: Template): Template {
  if (typeof template !== "string") return template;
  return `\${{ ${bareExpression(template)?.trim()} }}`;
}

function buildRetry(retry: ValidStep["retry"]): RetryPolicy | undefined {
  if (retry === undefined) return undefined;
  if (typeof retry === "number") return { maxAttempts: retry };
  const { attempts, delay, factor, jitter, "max-delay": maxDelay } = retry;
  return {
    ...(attempts === undefined ? {} : { maxAttempts: attempts }),
    ...(delay === undefined ? {} : { delayMs: parseDuration(delay)! }),
    ...(factor === undefined ? {} : { factor }),
    ...(maxDelay === undefined ? {} : { maxDelayMs: parseDuration(maxDelay)! }),
    ...(jitter === undefined ? {} : { jitter }),
  };
}
