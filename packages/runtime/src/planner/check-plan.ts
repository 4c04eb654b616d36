import {
  loadYaml,
  readWorkflow,
  type Workflow,
  type WorkflowProblem,
  type WorkflowStep,
} from "@muster/workflow";
import type { FinishedStep, FinishedSteps } from "./carry-out.ts";
import { checkWith } from "./check-with.ts";
import type { Offer } from "./find-offers.ts";
import type { Goal } from "./goal.ts";

export interface PlanRules {
  goal: Goal;
  offers: readonly Offer[];
  /** Steps of the plans before that are done; they stand in every later plan. */
  finished: FinishedSteps;
}

export type CheckedPlan = { workflow: Workflow; document: Record<string, unknown> } | { problems: string[] };

const nameLength = 64;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Makes a workflow of what the model wrote, or says what is wrong with it. The checker of the language decides what a
 * workflow is; here is decided what a plan may be: the capabilities that are offered, inputs that fit them, bounds.
 */
export const checkPlan = (text: string, rules: PlanRules): CheckedPlan => {
  const { document: written, problems: broken } = loadYaml(text);
  if (broken.length > 0) return { problems: broken.map(tell) };
  if (!isObject(written) || !isObject(written.steps))
    return { problems: ["the workflow must be an object with name and steps"] };
  const own = checkOwn(written, written.steps, rules);
  if (own.length > 0) return { problems: own };
  const document = complete(written, written.steps, rules);
  const { workflow, problems } = readWorkflow(document);
  if (workflow === undefined) return { problems: problems.map(tell) };
  const fresh = workflow.steps.filter(({ name }) => !rules.finished.has(name));
  const wrong = fresh.flatMap((step) =>
    checkStep(step, rules).map((fault) => `steps.${step.name}: ${fault}`),
  );
  return wrong.length > 0 ? { problems: wrong } : { workflow, document };
};

const tell = ({ path, message, hint, line }: WorkflowProblem): string =>
  `${path === "" ? (line === undefined ? "" : `line ${line}: `) : `${path}: `}${message}${hint === undefined ? "" : ` (${hint})`}`;

/** What the model must not write, since it is given. */
const checkOwn = (
  written: Record<string, unknown>,
  steps: Record<string, unknown>,
  { goal, finished }: PlanRules,
): string[] => {
  const names = Object.keys(steps);
  const problems = names
    .filter((name) => finished.has(name))
    .map((name) => `steps.${name}: this step is finished; give what remains another name`);
  if (written.budget !== undefined) problems.push("budget: leave it out; the goal has its own");
  if (names.length > goal.limits.steps)
    problems.push(`steps: there are ${names.length}, and ${goal.limits.steps} are the most`);
  for (const name of names)
    if (name.length > nameLength) problems.push(`steps: a name has more than ${nameLength} characters`);
  return problems;
};

/** The whole workflow: with its inputs and with the steps that are finished, so that it reads and runs by itself. */
const complete = (
  { inputs: _given, ...written }: Record<string, unknown>,
  steps: Record<string, unknown>,
  { goal, finished }: PlanRules,
): Record<string, unknown> => {
  const done = [...finished].map(([name, step]) => [name, definitionOf(step, finished)] as const);
  const inputs = Object.entries(goal.inputs).map(([name, value]) => [name, { default: value }] as const);
  const { name, description, ...rest } = written;
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(inputs.length === 0 ? {} : { inputs: Object.fromEntries(inputs) }),
    ...rest,
    steps: { ...Object.fromEntries(done), ...steps },
  };
};

/** As it was written, unless it needs a step that is not finished and so not there any more: it is not run again. */
const definitionOf = ({ definition, capability }: FinishedStep, finished: FinishedSteps): unknown => {
  const { needs = [] } = definition as { needs?: string | string[] };
  return [needs].flat().every((name) => finished.has(name)) ? definition : { capability };
};

const checkStep = (step: WorkflowStep, { goal, offers }: PlanRules): string[] => {
  const { capability, agent, forEach } = step;
  if (capability === undefined) return ["it names no capability"];
  const offer = offers.find((one) => one.capability === capability);
  if (offer === undefined)
    return [
      `nobody offers the capability "${capability}"; there are: ${offers.map((one) => one.capability).join(", ")}`,
    ];
  const problems = checkWith(step.with, offer.inputSchema);
  if (agent !== undefined && !offer.agents.includes(agent))
    problems.push(`the agent "${agent}" is not known to offer ${capability}; leave "agent" out`);
  if (Array.isArray(forEach) && forEach.length > goal.limits.fanOut)
    problems.push(`for-each has ${forEach.length} items, and ${goal.limits.fanOut} are the most`);
  return problems;
};
