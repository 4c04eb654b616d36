import { limits, type RetryPolicy } from "@muster/sdk/protocol";
import type { Static } from "typebox";
import { buildBudget, findWrongAmounts } from "./budget.ts";
import { checkExpressions } from "./check-expressions.ts";
import { checkShape } from "./check-shape.ts";
import { parseDuration } from "./duration.ts";
import { checkInputSchemas, type InputsSchema } from "./input-schema.ts";
import { loadJson } from "./json-document.ts";
import { isObject, type Path } from "./path.ts";
import { collectProblems, type ProblemCollector } from "./problems.ts";
import { checkGraph } from "./step-graph.ts";
import { bareExpression } from "./template.ts";
import type { StepApproval, Template, Workflow, WorkflowProblem, WorkflowStep } from "./workflow.ts";
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
  checkBudget(document.budget, problems);
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
    checkApproval(step.approve, ["steps", name, "approve"], problems);
    const retry = isObject(step.retry) ? step.retry : {};
    for (const key of ["delay", "max-delay"])
      checkDuration(retry[key], ["steps", name, "retry", key], problems);
    checkRetry(retry, ["steps", name, "retry"], problems);
  }
}

function checkDuration(value: unknown, path: Path, problems: ProblemCollector): void {
  const durationMs = typeof value === "string" ? parseDuration(value) : undefined;
  if (durationMs === undefined || (durationMs >= 1 && durationMs <= limits.durationMs)) return;
  problems.report({ message: `"${path.at(-1)}" must be between 1ms and 7d`, path });
}

function checkApproval(approve: unknown, path: Path, problems: ProblemCollector): void {
  if (!isObject(approve)) return;
  for (const key of ["remind", "expire"]) {
    checkDuration(approve[key], [...path, key], problems);
    const durationMs = durationOf(approve[key]);
    if (durationMs !== undefined && durationMs < 1_000)
      problems.report({ message: `"${key}" must be a second at least`, path: [...path, key] });
  }
  if (approve.person !== undefined && approve.capability !== undefined)
    problems.report({ message: '"approve" names a person and a capability', hint: "name one of them", path });
}

function checkBudget(budget: unknown, problems: ProblemCollector): void {
  if (!isObject(budget)) return;
  for (const { key, must } of findWrongAmounts(budget))
    problems.report({ message: `"${key}" must be ${must}`, path: ["budget", key] });
  const limited = Object.keys(budget).some((key) => key !== "on-reached");
  if (!limited)
    problems.report({
      message: '"budget" limits nothing',
      hint: "give it money, tokens, time, tasks, depth or concurrency",
      path: ["budget"],
    });
}

/** What a retry policy gets wrong though each of its members is right. */
function checkRetry(retry: Record<string, unknown>, path: Path, problems: ProblemCollector): void {
  const [delay, most] = [durationOf(retry.delay), durationOf(retry["max-delay"])];
  if (delay !== undefined && most !== undefined && most < delay)
    problems.report({ message: '"max-delay" is shorter than "delay"', path: [...path, "max-delay"] });
  const never: unknown[] = Array.isArray(retry.never) ? retry.never : [];
  const both = Array.isArray(retry.always) ? retry.always.find((code) => never.includes(code)) : undefined;
  if (both !== undefined)
    problems.report({ message: `"always" names "${both}", as "never" does`, path: [...path, "always"] });
}

const durationOf = (value: unknown): number | undefined =>
  typeof value === "string" || typeof value === "number" ? parseDuration(value) : undefined;

function build(document: ValidDocument, inputs: InputsSchema): Workflow {
  return {
    name: document.name,
    description: document.description ?? "",
    inputs,
    steps: Object.entries(document.steps).map(([name, step]) => buildStep(name, step)),
    output: document.output,
    budget: document.budget === undefined ? undefined : buildBudget(document.budget),
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
    approve: buildApproval(step.approve),
    output: step.output,
  };
}

/** An expression that may be bare as a template. */
function withBraces(template: Template): Template {
  if (typeof template !== "string") return template;
  return `\${{ ${bareExpression(template)?.trim()} }}`;
}

function buildApproval(approve: ValidStep["approve"]): StepApproval | undefined {
  if (approve === undefined || approve === false) return undefined;
  const { question, person, capability, remind, expire } = approve === true ? {} : approve;
  const to = person !== undefined ? { person } : capability !== undefined ? { capability } : undefined;
  return { question, to, remindMs: durationOf(remind), expireMs: durationOf(expire) };
}

function buildRetry(retry: ValidStep["retry"]): RetryPolicy | undefined {
  if (retry === undefined) return undefined;
  if (typeof retry === "number") return { maxAttempts: retry };
  const { attempts, backoff, delay, factor, jitter, never, always, "max-delay": maxDelay } = retry;
  return {
    ...(attempts === undefined ? {} : { maxAttempts: attempts }),
    ...(delay === undefined ? {} : { delayMs: parseDuration(delay)! }),
    ...(factor === undefined ? {} : { factor }),
    ...(maxDelay === undefined ? {} : { maxDelayMs: parseDuration(maxDelay)! }),
    ...(backoff === undefined ? {} : { backoff }),
    ...(jitter === undefined ? {} : { jitter }),
    ...(never === undefined ? {} : { never }),
    ...(always === undefined ? {} : { always }),
  };
}
