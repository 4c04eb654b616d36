import type { Workflow, WorkflowStep } from "@muster/workflow";
import type { FinishedSteps } from "./carry-out.ts";
import type { Basis, Offer } from "./find-offers.ts";

/** A step as it is shown: who would do it, and what it may cost and take. Null: nothing is known of it. */
export interface PlannedStep {
  name: string;
  capability: string;
  agents: string[];
  needs: string[];
  /** It is done already, in a plan before. */
  isFinished: boolean;
  /** A person is asked before it. */
  isApproved: boolean;
  /** Tasks of the step; null where an expression says how many, so that estimates are those of one. */
  tasks: number | null;
  costMicros: number | null;
  costBasis: Basis;
  durationMs: number | null;
  durationBasis: Basis;
}

/** What is known of a whole; `isLeast`: some of it is not known, so that it will be more. */
export interface Estimate {
  amount: number | null;
  isLeast: boolean;
}

export interface PlanEstimate {
  steps: PlannedStep[];
  /** Millionths of a US dollar for the steps that are not finished. */
  cost: Estimate;
  /** Milliseconds along the longest way through the steps that are not finished. */
  duration: Estimate;
}

/** What a plan may cost and take, from what is known of its capabilities; nothing is made up for what is not. */
export const estimatePlan = (
  workflow: Workflow,
  offers: readonly Offer[],
  finished: FinishedSteps,
): PlanEstimate => {
  const steps = workflow.steps.map((step) => plannedOf(step, offers, finished));
  const open = steps.filter(({ isFinished }) => !isFinished);
  return {
    steps,
    cost: sumOf(
      open.map(costOf),
      open.some(({ costMicros, tasks }) => costMicros === null || (tasks === null && costMicros > 0)),
    ),
    duration: {
      amount: longestOf(open),
      isLeast: open.some(
        ({ durationMs, tasks, isApproved }) => durationMs === null || tasks !== 1 || isApproved,
      ),
    },
  };
};

const plannedOf = (
  { name, capability = "", needs, forEach, approve }: WorkflowStep,
  offers: readonly Offer[],
  finished: FinishedSteps,
): PlannedStep => {
  const offer = offers.find((one) => one.capability === capability);
  return {
    name,
    capability,
    agents: offer?.agents ?? [],
    needs,
    isFinished: finished.has(name),
    isApproved: approve !== undefined,
    tasks: forEach === undefined ? 1 : Array.isArray(forEach) ? forEach.length : null,
    costMicros: offer?.cost.micros ?? null,
    costBasis: offer?.cost.basis ?? "unknown",
    durationMs: offer?.duration.ms ?? null,
    durationBasis: offer?.duration.basis ?? "unknown",
  };
};

const costOf = ({ costMicros, tasks }: PlannedStep): number | null =>
  costMicros === null ? null : costMicros * (tasks ?? 1);

const sumOf = (amounts: readonly (number | null)[], isLeast: boolean): Estimate => {
  const known = amounts.filter((amount) => amount !== null);
  if (known.length === 0 && amounts.length > 0) return { amount: null, isLeast: true };
  return { amount: known.reduce((sum, amount) => sum + amount, 0), isLeast };
};

/** Steps come after those that they need: a plan is checked to have no circle, but its order is free. */
const longestOf = (steps: readonly PlannedStep[]): number | null => {
  if (steps.length > 0 && steps.every(({ durationMs }) => durationMs === null)) return null;
  const byName = new Map(steps.map((step) => [step.name, step]));
  const ends = new Map<string, number>();
  const endOf = (step: PlannedStep): number => {
    const known = ends.get(step.name);
    if (known !== undefined) return known;
    const before = step.needs.flatMap((name) => byName.get(name) ?? []).map(endOf);
    const end = Math.max(0, ...before) + (step.durationMs ?? 0);
    ends.set(step.name, end);
    return end;
  };
  return Math.max(0, ...steps.map(endOf));
};
