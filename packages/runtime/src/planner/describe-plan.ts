import type { Estimate, PlanEstimate, PlannedStep } from "./estimate-plan.ts";
import { clipText } from "./untrusted.ts";

const nameLength = 120;
/** Characters of a plan as text; a question to a person takes 8,192. */
const textLength = 7_000;

const hidden = /[\p{Cc}\p{Cf}\u2028\u2029]+/gu;

/** Names come from agents and from the model: one line each, and nothing that moves a cursor. */
const plain = (text: string): string => clipText(text.replace(hidden, " "), nameLength);

/** A plan as people read it: a line for each step, and what all of it may cost and take. */
export const describePlan = (
  name: string,
  { steps, cost, duration }: PlanEstimate,
  planningCostMicros: number | null,
): string => {
  const lines = steps.map((step, index) => `  ${index + 1}. ${describeStep(step)}`);
  const total = `  estimated cost: ${describe(cost, money)}; estimated time: ${describe(duration, time)}`;
  const text = [`Plan: ${plain(name)}`, ...lines].join("\n");
  const shown = text.length <= textLength ? text : `${text.slice(0, textLength)}\n  …`;
  const planning = planningCostMicros === null ? "unknown" : money(planningCostMicros);
  return `${shown}\n${total}\n  spent on planning so far: ${planning}`;
};

const describeStep = (step: PlannedStep): string => {
  const who = step.agents.length === 0 ? "" : ` by ${step.agents.map(plain).join(" or ")}`;
  const what = `${step.name}: ${plain(step.capability)}${who}`;
  if (step.isFinished) return `${what} (finished, is not run again)`;
  const facts = [
    ...(step.needs.length === 0 ? [] : [`after ${step.needs.join(", ")}`]),
    ...(step.tasks === 1 ? [] : [step.tasks === null ? "a task per item" : `${step.tasks} tasks`]),
    ...(step.isApproved ? ["asks a person first"] : []),
    `cost ${known(step.costMicros, money, step.costBasis)}`,
    `time ${known(step.durationMs, time, step.durationBasis)}`,
  ];
  const each = step.tasks === 1 ? "" : " per task";
  return `${what}; ${facts.join(", ")}${each}`;
};

const known = (amount: number | null, write: (amount: number) => string, basis: string): string =>
  amount === null ? "unknown" : `${write(amount)} (${basis})`;

const describe = ({ amount, isLeast }: Estimate, write: (amount: number) => string): string => {
  if (amount === null) return "unknown";
  return isLeast ? `at least ${write(amount)}, the rest is unknown` : write(amount);
};

const money = (micros: number): string => {
  const dollars = micros / 1_000_000;
  return `$${dollars === 0 ? "0" : dollars >= 0.01 ? dollars.toFixed(2) : dollars.toPrecision(2)}`;
};

const time = (ms: number): string => {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${(ms / 60_000).toFixed(1)} min`;
};
