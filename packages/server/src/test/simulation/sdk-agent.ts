import { createAgent } from "@muster/sdk";
import { type AgentDoor, createAgentDoor } from "./agent-door.ts";
import { createHandlers } from "./handlers.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import type { World } from "./world.ts";

/** A process with an agent in it. */
export interface AgentProcess {
  id: string;
  tenant: string;
  maxConcurrency: number;
  process: SimulatedProcess;
  /** Its way to the nodes, in this life. */
  door: AgentDoor;
  /** Ends in an orderly way; null where this agent knows none. */
  stop: (() => Promise<void>) | null;
}

const startAgainMs = 700;

/** Starts an agent made with the SDK. It tries to join until it is let in or dies. */
export function startSdkAgent(
  world: World,
  id: string,
  tenant: string,
  maxConcurrency: number,
): AgentProcess {
  const process = new SimulatedProcess(world.clock);
  const environment = {
    clock: process.clock,
    random: world.random,
    onProblem: (problem: Error) => world.note(`${id}: ${problem.message}`),
  };
  const capabilities = createHandlers(world, process);
  const agent = createAgent({ id, name: id, maxConcurrency, capabilities }, environment);

  const own: { door: AgentDoor } = { door: createAgentDoor(world, process, tenant) };
  function join(): void {
    own.door = createAgentDoor(world, process, tenant);
    agent.start({ transport: own.door }).then(
      () => world.note(`${id} joined`),
      () => process.clock.setTimer(startAgainMs, join),
    );
  }
  join();
  return {
    id,
    tenant,
    maxConcurrency,
    process,
    get door() {
      return own.door;
    },
    stop: () => agent.stop(2_000),
  };
}
