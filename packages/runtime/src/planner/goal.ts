import type { Capability } from "@muster/sdk";

/** The name of the capability that turns a goal in words into a workflow and carries it out. */
export const goalCapability = "goal";

/**
 * Who says yes to a plan. `ask`: a person, in the inbox; `yes`: nobody, it runs at once; `show`: nobody, since nothing
 * runs, and the plan is the output.
 */
export type Approve = "ask" | "yes" | "show";

/** The bounds of a plan. */
export interface PlanLimits {
  /** Steps of a plan, those of its revisions that are not finished included. */
  steps: number;
  /** Tasks that one step fans out into. */
  fanOut: number;
  /** How often a plan is made anew because a step of it failed for good. */
  revisions: number;
  /** Levels of goals within the plan of this one; 0: a plan holds none. */
  depth: number;
}

const defaultPlanLimits: PlanLimits = { steps: 20, fanOut: 100, revisions: 2, depth: 0 };
const mostOf: PlanLimits = { steps: 50, fanOut: 1_000, revisions: 5, depth: 3 };
const goalLength = 4_000;
const mostInputs = 50;

/** The input of a task for the capability `goal`. */
export interface GoalInput {
  goal: string;
  inputs?: Record<string, unknown>;
  approve?: Approve;
  limits?: Partial<PlanLimits>;
}

const bound = (name: keyof PlanLimits, minimum: number, description: string) => ({
  type: "integer",
  minimum,
  maximum: mostOf[name],
  default: defaultPlanLimits[name],
  description,
});

const inputSchema = {
  type: "object",
  required: ["goal"],
  additionalProperties: false,
  properties: {
    goal: {
      type: "string",
      minLength: 1,
      maxLength: goalLength,
      pattern: "\\S",
      description: "What is to be reached, in words.",
    },
    inputs: {
      type: "object",
      maxProperties: mostInputs,
      propertyNames: { pattern: "^(?!(in|true|false|null)$)[A-Za-z][A-Za-z0-9_]{0,63}$" },
      description: "What the plan can use as inputs.NAME.",
    },
    approve: {
      enum: ["ask", "yes", "show"],
      default: "ask",
      description: "ask: a person says yes first; yes: it runs at once; show: nothing runs.",
    },
    limits: {
      type: "object",
      additionalProperties: false,
      properties: {
        steps: bound("steps", 1, "Steps of the plan."),
        fanOut: bound("fanOut", 1, "Tasks of one step."),
        revisions: bound("revisions", 0, "How often it is planned anew after a failure."),
        depth: bound("depth", 0, "Levels of goals within the plan."),
      },
    },
  },
} as const;

/** What other agents and people see of it. */
export const describeGoalCapability: Capability = {
  name: goalCapability,
  description:
    "Reaches a goal in words: makes a workflow of what the agents that are there can do, shows it, carries it out and makes it anew where a step fails.",
  inputSchema: inputSchema as unknown as Record<string, unknown>,
};

export interface Goal {
  goal: string;
  inputs: Record<string, unknown>;
  approve: Approve;
  limits: PlanLimits;
}

/** An input that fits the schema, with everything filled in. */
export const readGoal = (input: unknown): Goal => {
  const { goal, inputs = {}, approve = "ask", limits = {} } = input as GoalInput;
  return { goal, inputs, approve, limits: { ...defaultPlanLimits, ...limits } };
};
