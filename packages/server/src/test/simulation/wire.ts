import type { Orchestrator } from "../../core/orchestrator.ts";
import { lost } from "./faults.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { World } from "./world.ts";

/**
 * A call of an agent or a client to whichever orchestrator runs now, over a network that loses calls and answers.
 * Ends with `unavailable` where nobody is there or the orchestrator crashes meanwhile.
 */
export function callOrchestrator<T>(
  world: World,
  caller: SimulatedProcess,
  work: (orchestrator: Orchestrator) => Promise<T>,
): Promise<T> {
  const { clock, chance, faults } = world;
  const travel = (): Promise<void> =>
    new Promise((resolve) => clock.setTimer(chance.int(0, faults.wireDelayMs), resolve));

  async function call(): Promise<T> {
    await travel();
    if (chance.is(faults.wireLoses)) throw lost("the call was lost");
    const life = world.orchestrator;
    if (life === null) throw lost("no orchestrator answers");
    // It reaches a frozen orchestrator when that goes on.
    const reached = life.process.answer(Promise.resolve()).then(() => work(life.orchestrator));
    const result = await Promise.race([reached, life.down]);
    await travel();
    if (chance.is(faults.wireLoses)) throw lost("the answer was lost");
    return result;
  }

  return caller.answer(call());
}
