import { describeSignalsContract } from "../../../test/contracts/signals.ts";
import { createInMemorySignals, createSignalExchange } from "./create-in-memory-signals.ts";

describeSignalsContract("signals in memory", () => {
  const exchange = createSignalExchange();
  return [createInMemorySignals(exchange), createInMemorySignals(exchange)];
});
