import type { Scenario } from "./scenario.ts";
import { backlog } from "./scenarios/backlog.ts";
import { chain } from "./scenarios/chain.ts";
import { discovery } from "./scenarios/discovery.ts";
import { independent } from "./scenarios/independent.ts";
import { latency } from "./scenarios/latency.ts";
import { layered } from "./scenarios/layered.ts";
import { layeredOverHttp } from "./scenarios/layered-over-http.ts";
import { nested } from "./scenarios/nested.ts";
import { stepOfFan, stepOfManyChains, stepOfOneChain } from "./scenarios/steps.ts";

/** Everything that is measured, in the order of the report. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  independent,
  layered,
  "layered-over-http": layeredOverHttp,
  nested,
  chain,
  "step-chain": stepOfOneChain,
  "step-chains": stepOfManyChains,
  "step-fan": stepOfFan,
  latency,
  backlog,
  discovery,
};
