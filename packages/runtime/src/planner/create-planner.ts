import { type AgentDefinition, AttemptError, type TaskContext } from "@muster/sdk";
import type { LoopContext } from "../agent-loop/loop-settings.ts";
import type { Model } from "../llm/model.ts";
import { type Carried, type CarryContext, carryOut, type Failure, type FinishedSteps } from "./carry-out.ts";
import { describePlan } from "./describe-plan.ts";
import { type Draft, draftPlan, type PlannerModel } from "./draft-plan.ts";
import { estimatePlan, type PlanEstimate } from "./estimate-plan.ts";
import { findOffers, type Offer } from "./find-offers.ts";
import { describeGoalCapability, type Goal, goalCapability, readGoal } from "./goal.ts";
import { clipText } from "./untrusted.ts";

/*
 * The planner is an agent like any other that offers one capability, `goal`. It looks for what can be done now, asks a
 * model for a workflow of it, has the workflow checked, shows it and asks whoever is to be asked, carries it out as its
 * own sub-tasks, and plans what remains where a step fails for good. Everything that was paid for, found or decided is in the
 * journal of the task before anything follows from it.
 */

export interface PlannerOptions {
  model: Model;
  /** A model or an alias; `smart` by default. */
  modelName?: string;
  /** Most tokens of one answer, 8,192 by default. */
  maxOutputTokens?: number;
  /** Goals that are worked on at once, 16 by default: most of the time they wait. */
  maxConcurrency?: number;
}

/** What the planner needs of a task's context. */
export type PlannerContext = LoopContext & CarryContext & Pick<TaskContext, "input" | "findAgents">;

/** A plan as it is shown, in the output of a goal and beside the question whether it may run. */
export interface Plan extends PlanEstimate {
  /** 0 for the first; each revision counts one more. */
  number: number;
  name: string;
  /** The workflow as its file would have it: `muster run` takes it. */
  workflow: Record<string, unknown>;
  /** As people read it. */
  text: string;
  /** What it cost to think of this and all plans before it; null where the price of a model is not known. */
  planningCostMicros: number | null;
}

/** The output of a goal. */
export interface GoalOutput {
  status: "planned" | "completed";
  goal: string;
  plan: Plan;
  /** How its steps ended, those of earlier plans that were kept included; empty where nothing ran. */
  steps: Carried["steps"];
  output: unknown;
}

const reasonLength = 600;
const mostReasons = 10;

/** Makes the agent that turns goals into workflows. */
export const createPlanner = ({
  model,
  modelName = "smart",
  maxOutputTokens = 8_192,
  maxConcurrency = 16,
}: PlannerOptions): AgentDefinition => {
  const planner = { model, modelName, maxOutputTokens };
  return {
    id: "muster-planner",
    name: "planner",
    description: "Plans: turns goals in words into workflows of what other agents can do.",
    maxConcurrency,
    capabilities: [
      { ...describeGoalCapability, handler: (context: TaskContext) => pursue(context, planner) },
    ],
  };
};

/** What was reached so far. */
interface Pursuit {
  goal: Goal;
  number: number;
  finished: FinishedSteps;
  /** Of the plan before. */
  failures: Failure[];
  /** Of all plans, as people read them. */
  reasons: string[];
  costMicros: number | null;
}

/** One goal, from its words to its output. */
export const pursue = async (context: PlannerContext, planner: PlannerModel): Promise<GoalOutput> => {
  const goal = readGoal(context.input);
  let so: Pursuit = { goal, number: 0, finished: new Map(), failures: [], reasons: [], costMicros: 0 };
  for (;;) {
    const { plan, draft, offers } = await planNext(context, planner, so);
    if (goal.approve === "show") return { status: "planned", goal: goal.goal, plan, steps: [], output: null };
    if (goal.approve === "ask") await askPerson(context, goal, plan);
    else tellPlan(context, plan);
    const carried = await carryOut(context, { ...so, ...draft, offers });
    const { failure, steps, output, finished } = carried;
    if (failure === undefined) return { status: "completed", goal: goal.goal, plan, steps, output };
    const reasons = [...so.reasons, ...failure.failures.map((one) => tellFailure(one, so.number))];
    if (failure.isFinal || so.number >= goal.limits.revisions)
      throw goalFailed(
        reasons,
        failure.isFinal ? "nothing more may be spent" : `${so.number + 1} plans failed`,
      );
    so = {
      goal,
      number: so.number + 1,
      finished,
      failures: failure.failures,
      reasons,
      costMicros: plan.planningCostMicros,
    };
  }
};

const planNext = async (
  context: PlannerContext,
  planner: PlannerModel,
  so: Pursuit,
): Promise<{ plan: Plan; draft: Draft; offers: Offer[] }> => {
  const { goal, number, finished, failures, reasons } = so;
  context.progress(0, number === 0 ? "planning" : "planning what remains");
  const excluded = goal.limits.depth > 0 ? new Set<string>() : new Set([goalCapability]);
  const offers = await context.step(`offers:${number}`, () => findOffers(context, goal.goal, excluded));
  if (offers.length === 0)
    throw goalFailed([...reasons, "No agent offers anything now."], "there is nothing to plan with");
  try {
    const draft = await draftPlan(context, planner, { goal, offers, finished }, { number, failures });
    return { plan: planOf(draft, offers, so), draft, offers };
  } catch (error) {
    if (number === 0 || !(error instanceof AttemptError)) throw error;
    throw goalFailed([...reasons, error.message], "what remains could not be planned");
  }
};

const planOf = (
  { workflow, document, costMicros }: Draft,
  offers: readonly Offer[],
  { number, finished, costMicros: before }: Pursuit,
): Plan => {
  const estimate = estimatePlan(workflow, offers, finished);
  const planningCostMicros = before === null || costMicros === null ? null : before + costMicros;
  return {
    number,
    name: workflow.name,
    workflow: document,
    text: describePlan(workflow.name, estimate, planningCostMicros),
    ...estimate,
    planningCostMicros,
  };
};

/** Where nobody is asked, the log shows what is about to run. */
const tellPlan = (context: PlannerContext, { number, text, workflow }: Plan): void =>
  context.log("info", "The plan begins.", { plan: { number, text, workflow } });

/** Shows a plan and waits for somebody's yes, once per plan, however many attempts it takes. */
const askPerson = async (context: PlannerContext, { goal }: Goal, plan: Plan): Promise<void> => {
  const what =
    plan.number === 0 ? "May this plan run?" : "A step failed. May this plan go on with what remains?";
  const { approved, reason } = await context.approve(`${what}\n\n${plan.text}`, {
    key: `plan:${plan.number}:approve`,
    input: { goal, plan },
  });
  if (approved) return;
  const why = reason === undefined ? "" : `: ${reason}`;
  throw new AttemptError(`The plan was refused${why}.`, { code: "plan_refused", retryable: false });
};

const tellFailure = ({ step, capability, reason }: Failure, number: number): string =>
  `${number === 0 ? "" : `in revision ${number}, `}step ${step}${capability === "" ? "" : ` (${capability})`}: ${clipText(reason, reasonLength)}`;

const goalFailed = (reasons: readonly string[], why: string): AttemptError =>
  new AttemptError(`The goal was not reached, ${why}: ${reasons.slice(-mostReasons).join("; ")}`, {
    code: "goal_failed",
    retryable: false,
    details: { reasons: reasons.slice(-mostReasons) },
  });
