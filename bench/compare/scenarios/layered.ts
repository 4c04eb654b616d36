import { layers } from "../jobs.ts";
import { perSecond, processorTime, rateOf, type Scenario } from "../scenario.ts";

/** BullMQ's flows are trees and can't say this graph: `trees` is the nearest that both can do. */
export const layered: Scenario = {
  title: "one graph of 100 layers of 100 tasks, each needing 3",
  systems: ["muster-embedded", "muster-postgres"],
  figures: { rate: perSecond, cpu: processorTime },
  targets: { "muster-postgres": { rate: 6_000 } },
  measure: rateOf((scale) => [layers(100 * scale, 100, 3)]),
};
