import {
  defaultRollback,
  defaultRolloutSteps,
  defaultShadowTasks,
  MusterError,
  RolloutStart,
  type RolloutStep,
  type SideSelector,
} from "@muster/sdk/protocol";
import type { AgentRecord } from "../../ports/agent-registry.ts";
import { matches } from "../discovery/rank.ts";
import { parse } from "../validate.ts";
import { sideOf } from "./sides.ts";

/** A rollout as its statement takes it, but for its id and who starts it. */
export interface RolloutPlan {
  tenant: string;
  capability: string;
  candidate: SideSelector;
  baseline: SideSelector | null;
  steps: RolloutStep[];
  rollback: object;
  comparison: string | null;
  shadow_tasks: number;
  when_away: string;
}

/** Turns a request into a rollout, or refuses it with the place of the mistake. Nothing is written here. */
export function planRollout(request: unknown, tenant: string, live: readonly AgentRecord[]): RolloutPlan {
  const start = parse(RolloutStart, request, "The rollout");
  const steps = start.steps ?? defaultRolloutSteps;
  checkSteps(steps);
  const plan = {
    tenant,
    capability: start.capability,
    candidate: start.candidate,
    baseline: start.baseline ?? null,
    steps: steps.map(({ baseline: _, ...step }) => step),
    rollback: { ...defaultRollback, ...start.rollback },
    comparison: start.comparison ?? null,
    shadow_tasks: start.shadowTasks ?? defaultShadowTasks,
    when_away: start.whenAway ?? "baseline",
  };
  checkSides(plan, live);
  if (plan.comparison !== null) checkComparison(plan, live);
  return plan;
}

const refuse = (message: string, hint?: string): MusterError =>
  new MusterError("invalid_request", message, hint === undefined ? {} : { hint });

function checkSteps(steps: readonly RolloutStep[]): void {
  for (const [index, { candidate, baseline, shadow }] of steps.entries()) {
    const what = `steps/${index}`;
    if (baseline !== undefined && candidate + baseline !== 100) {
      throw refuse(
        `${what}: the weights ${candidate} and ${baseline} make ${candidate + baseline}, not 100.`,
        "Leave the baseline's weight out: it is what the candidate's leaves.",
      );
    }
    if (candidate === 0 && shadow === undefined) {
      throw refuse(
        `${what}: the candidate gets no tasks.`,
        'Give it a share, or copies of tasks for comparison with "shadow".',
      );
    }
    if (candidate === 100 && shadow !== undefined) {
      throw refuse(`${what}: where the candidate does every task there is nothing to compare it with.`);
    }
    const before = steps[index - 1]?.candidate;
    if (before !== undefined && candidate <= before) {
      throw refuse(
        `${what}: the candidate's weight ${candidate} is not above the ${before} of the step before.`,
        "Weights grow from step to step, so that a key which has come to the candidate stays there.",
      );
    }
  }
}

type Sides = Pick<RolloutPlan, "capability" | "tenant" | "candidate" | "baseline">;

/** Both sides must be there when it starts: a version that nobody has is a mistake in writing more often than not. */
function checkSides(sides: Sides, live: readonly AgentRecord[]): void {
  const { capability, tenant } = sides;
  const route = { capability, agent: null, tools: [] };
  const able = live.filter((agent) => matches(agent, route, tenant === "*" ? undefined : tenant));
  if (able.length === 0) {
    throw refuse(`No live agent offers ${capability}.`, `See who is there with: muster agents`);
  }
  if (!able.some((agent) => sideOf(agent, sides) === "candidate")) {
    throw refuse(
      `No live agent that offers ${capability} is the candidate: ${describeSide(sides.candidate)}.`,
      `There are: ${describeAgents(able)}.`,
    );
  }
  if (!able.some((agent) => sideOf(agent, sides) === "baseline")) {
    const wanted = sides.baseline === null ? "every other agent" : describeSide(sides.baseline);
    throw refuse(
      `No live agent that offers ${capability} is the baseline: ${wanted}.`,
      `There are: ${describeAgents(able)}. The candidate counts as candidate only.`,
    );
  }
}

function checkComparison(
  { comparison, capability, tenant }: RolloutPlan,
  live: readonly AgentRecord[],
): void {
  if (comparison === capability)
    throw refuse(`${capability} can't compare its own results.`, "Name another capability.");
  const route = { capability: comparison, agent: null, tools: [] };
  if (live.some((agent) => matches(agent, route, tenant === "*" ? undefined : tenant))) return;
  throw refuse(`No live agent offers ${comparison}, which shall compare results.`);
}

/** For people: "version 2", "name reviewer, version 2". */
const describeSide = ({ version, name }: SideSelector): string =>
  [name === undefined ? "" : `name ${name}`, version === undefined ? "" : `version ${version}`]
    .filter((part) => part !== "")
    .join(", ");

/** Agents named in one sentence. */
const mostNamed = 10;

function describeAgents(agents: readonly AgentRecord[]): string {
  const words = new Set(agents.map(({ name, version }) => `${name} (${version ?? "no version"})`));
  const more = words.size > mostNamed ? `, and ${words.size - mostNamed} more` : "";
  return [...words].slice(0, mostNamed).join(", ") + more;
}
