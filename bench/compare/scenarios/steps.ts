import { chains, fan, type Graph } from "../jobs.ts";
import { milliseconds, type Scenario, stepOf } from "../scenario.ts";

const steps = (title: string, make: () => Graph[]): Scenario => ({
  title,
  systems: ["muster-embedded", "muster-postgres", "langgraph"],
  figures: { step: milliseconds },
  measure: stepOf(make),
});

export const stepOfOneChain = steps("per step of one chain of 100", () => chains(1, 100));
export const stepOfManyChains = steps("per step of 16 chains of 100 at once", () => chains(16, 100));
export const stepOfFan = steps("per step of 100 in parallel and one that needs all of them", () => [
  fan(100),
]);
