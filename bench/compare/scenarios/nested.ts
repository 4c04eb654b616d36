import { trees } from "../jobs.ts";
import { perSecond, processorTime, rateOf, type Scenario } from "../scenario.ts";

const depth = 6;

/**
 * The graph that BullMQ's flows can say and Muster, too: nine trees of 1,093 tasks, in which every inner task needs 3
 * that nobody else needs. It has a third of the dependencies of `layered` and 7 layers instead of 100.
 */
export const nested: Scenario = {
  title: "trees of 1,093 tasks, each inner one needing 3",
  systems: ["muster-embedded", "muster-postgres", "muster-cluster", "bullmq", "bullmq-synced"],
  figures: { rate: perSecond, cpu: processorTime },
  measure: rateOf((scale) => trees(Math.ceil(9 * scale), depth, 3)),
};
