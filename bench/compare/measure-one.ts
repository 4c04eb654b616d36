/**
 * One measurement of one system in one scenario, in a process of its own, so that nobody's memory or compiled code is
 * in another's way. Prints what it measured as one line of JSON.
 */
import { parseArgs } from "node:util";
import { openPlace } from "./place.ts";
import { scenarios } from "./scenarios.ts";
import { loadSystem, type SystemName } from "./systems.ts";

const { values } = parseArgs({
  options: {
    system: { type: "string", default: "" },
    scenario: { type: "string", default: "" },
    scale: { type: "string", default: "1" },
  },
});
const scenario = scenarios[values.scenario];
if (scenario === undefined) throw new Error(`There is no scenario "${values.scenario}".`);
const system = await loadSystem(values.system as SystemName);
const place = await openPlace(system.needs);
try {
  const session = await system.open(place, scenario.purpose ?? "throughput");
  try {
    const measured = await scenario.measure(session, Number(values.scale), place);
    process.stdout.write(`${JSON.stringify(measured)}\n`);
  } finally {
    await session.close();
  }
} finally {
  await place.close();
}
process.exit(0);
