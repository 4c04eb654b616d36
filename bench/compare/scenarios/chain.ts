import { chains } from "../jobs.ts";
import { perSecond, processorTime, rateOf, type Scenario } from "../scenario.ts";

export const chain: Scenario = {
  title: "one chain of 1,000 tasks",
  systems: ["muster-embedded", "muster-postgres", "muster-cluster", "bullmq", "bullmq-synced"],
  figures: { rate: perSecond, cpu: processorTime },
  measure: rateOf((scale) => chains(1, 1_000 * scale), chains(1, 200)),
};
