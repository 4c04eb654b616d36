import { createInMemoryRegistry } from "../../adapters/agent-registry/in-memory/create-in-memory-registry.ts";
import { createOrchestrator } from "../../core/create-orchestrator.ts";
import type { Orchestrator } from "../../core/orchestrator.ts";
import type { Log } from "../../ports/log.ts";
import { root } from "../orchestrate.ts";
import { lost } from "./faults.ts";
import { createFaultyBus } from "./faulty-bus.ts";
import { createFaultyDatabase } from "./faulty-database.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import type { World } from "./world.ts";

export const leaseMs = 10_000;
export const heartbeatMs = 3_000;
const graceMs = 2_000;

/** One life of the orchestrator, from its start to its crash. */
export interface OrchestratorProcess {
  readonly orchestrator: Orchestrator;
  readonly process: SimulatedProcess;
  /** Rejects when it crashes: every call under way ends then. */
  readonly down: Promise<never>;
  crash(): void;
}

/** Starts an orchestrator on the world's database with nothing in memory. */
export function startOrchestrator(world: World): OrchestratorProcess {
  const { clock, chance, faults, note } = world;
  const process = new SimulatedProcess(clock);
  const database = createFaultyDatabase({
    ...world,
    inner: world.database,
    process,
    witness: witnessOf(world),
  });
  const bus = createFaultyBus({ process, clock, chance, faults, note });
  const say = (level: string) => (facts: object, sentence: string) =>
    note(`${level}: ${sentence}${reasonIn(facts)}`);
  const log: Log = { debug() {}, info() {}, warn: say("warn"), error: say("error") };
  const registry = createInMemoryRegistry();
  const ports = { database, bus, registry, clock: process.clock, random: world.random, ids: world.ids, log };
  const orchestrator = createOrchestrator(ports, { leaseMs, heartbeatMs, graceMs });
  let breakDown: (error: Error) => void = () => {};
  const down = new Promise<never>((_, reject) => {
    breakDown = reject;
  });
  down.catch(() => undefined);
  void orchestrator.start();
  follow(world, orchestrator);
  return {
    orchestrator,
    process,
    down,
    crash() {
      process.kill();
      breakDown(lost("the orchestrator crashed"));
    },
  };
}

/** Knows the newest lease of each task, and sees when a result is accepted under another one. */
function witnessOf({ promises, violate }: World) {
  return (statement: string, rows: readonly unknown[]): void => {
    if (statement !== "claim" && statement !== "complete") return;
    for (const { id, token, kind } of rows as { id: string; token: string; kind?: string }[]) {
      if (statement === "claim") promises.leases.set(id, token);
      else if (kind === "ended" && promises.leases.get(id) !== token) {
        violate({
          rule: "one result",
          detail: "was completed under a lease that is not live",
          taskIds: [id],
        });
      }
    }
  };
}

const reasonIn = (facts: object): string =>
  "error" in facts && facts.error instanceof Error ? ` (${facts.error.message})` : "";

/** Somebody who watches every event and goes on, in each life of the orchestrator, where the last one stopped. */
function follow(world: World, orchestrator: Orchestrator): void {
  const { followed, violate } = world;
  orchestrator.events.subscribe(followed.at(-1) ?? 0, {}, root, ({ seq, type, taskId }) => {
    if (seq <= (followed.at(-1) ?? 0)) {
      violate({
        rule: "events in order",
        detail: `${type} ${seq} came late`,
        taskIds: taskId === null ? [] : [taskId],
      });
    }
    followed.push(seq);
  });
}
