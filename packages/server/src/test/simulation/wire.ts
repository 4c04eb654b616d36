import type { Orchestrator } from "../../core/orchestrator.ts";
import { lost } from "./faults.ts";
import type { NodeProcess } from "./node-process.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { World } from "./world.ts";

/** A caller gives up on a node that does not answer, as one that is frozen. */
const patienceMs = 6_000;

/** The nodes that are up; some may be frozen, which nobody can see. */
export const nodesUp = (world: World): NodeProcess[] => world.nodes.filter((node) => node !== null);

/**
 * A call of an agent or a client to a node, over a network that loses calls and answers. Without a node of its choice
 * the caller takes any. Ends with `unavailable` where nobody is there, or the node crashes meanwhile or is silent.
 */
export function callNode<T>(
  world: World,
  caller: SimulatedProcess,
  work: (orchestrator: Orchestrator, node: NodeProcess) => Promise<T>,
  chosen?: NodeProcess,
): Promise<T> {
  const { clock, chance, faults } = world;
  const travel = (): Promise<void> =>
    new Promise((resolve) => clock.setTimer(chance.int(0, faults.wireDelayMs), resolve));

  async function call(): Promise<T> {
    await travel();
    if (chance.is(faults.wireLoses)) throw lost("the call was lost");
    const up = nodesUp(world);
    const node = chosen ?? (up.length === 0 ? undefined : chance.pick(up));
    if (node === undefined || node.process.isDead) throw lost("no node answers");
    // It reaches a frozen node when that goes on.
    const reached = node.process.answer(Promise.resolve()).then(() => work(node.orchestrator, node));
    reached.catch(() => undefined);
    const result = await within(Promise.race([reached, node.down]));
    await travel();
    if (chance.is(faults.wireLoses)) throw lost("the answer was lost");
    return result;
  }

  async function within(answer: Promise<T>): Promise<T> {
    let tooLate: (error: Error) => void = () => {};
    const late = new Promise<never>((_, reject) => {
      tooLate = reject;
    });
    const timer = clock.setTimer(patienceMs, () => tooLate(lost("no answer came")));
    return Promise.race([answer, late]).finally(() => timer.cancel());
  }

  return caller.answer(call());
}
