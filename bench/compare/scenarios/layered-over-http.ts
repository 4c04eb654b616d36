import { layers } from "../jobs.ts";
import { perSecond, processorTime, rateOf, type Scenario } from "../scenario.ts";

/** Narrower than `layered`, since a request has room for a million bytes; two of them, one at each node. */
export const layeredOverHttp: Scenario = {
  title: "two graphs of 100 layers of 40 tasks, each needing 3",
  systems: ["muster-postgres", "muster-cluster"],
  figures: { rate: perSecond, cpu: processorTime },
  targets: { "muster-cluster": { rate: 3_000 } },
  measure: rateOf((scale) => {
    const graph = layers(100 * scale, 40, 3);
    const second = graph.map(({ key, needs }) => ({
      key: key + graph.length,
      needs: needs.map((need) => need + graph.length),
    }));
    return [graph, second];
  }),
};
