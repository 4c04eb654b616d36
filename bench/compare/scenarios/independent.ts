import { independentJobs } from "../jobs.ts";
import { perSecond, processorTime, rateOf, type Scenario } from "../scenario.ts";

const count = 20_000;

export const independent: Scenario = {
  title: `${count.toLocaleString("en-US")} independent tasks, handed in by the hundred`,
  systems: [
    "muster-embedded",
    "muster-postgres",
    "muster-cluster",
    "bullmq",
    "bullmq-synced",
    "pg-boss",
    "graphile-worker",
  ],
  figures: { rate: perSecond, cpu: processorTime },
  targets: { "muster-postgres": { rate: 10_000 }, "muster-cluster": { rate: 3_000 } },
  measure: rateOf((scale) => independentJobs(count * scale, 100)),
};
