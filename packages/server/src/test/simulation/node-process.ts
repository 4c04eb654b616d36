import { MusterError } from "@muster/sdk/protocol";
import { createInMemoryRegistry } from "../../adapters/agent-registry/in-memory/create-in-memory-registry.ts";
import { createInMemoryBlobs } from "../../adapters/blob-store/in-memory/create-in-memory-blobs.ts";
import { createOrchestrator } from "../../core/create-orchestrator.ts";
import type { Orchestrator } from "../../core/orchestrator.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { root } from "../orchestrate.ts";
import { lost } from "./faults.ts";
import { createFaultyDatabase } from "./faulty-database.ts";
import { completions } from "./mutations.ts";
import { createSimulatedBroker } from "./simulated-broker.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import type { World } from "./world.ts";

export const leaseMs = 10_000;
/** Breakers open soon and not for long, so that many do in a short time. */
const breaker = { failures: 2, timeoutsInARow: 2, coolDownMs: 2_000, mostCoolDownMs: 6_000 };
export const heartbeatMs = 3_000;
const graceMs = 2_000;

/** One life of a node, from its start to its crash. */
export interface NodeProcess {
  /** Which of the nodes it is: a new life has the place of the one before. */
  readonly place: number;
  readonly orchestrator: Orchestrator;
  readonly process: SimulatedProcess;
  /** Rejects when it crashes: every call under way ends then. */
  readonly down: Promise<never>;
  crash(): void;
}

/** Starts a node on the world's database with nothing in memory. */
export function startNode(world: World, place: number): NodeProcess {
  const { clock, chance, faults, note } = world;
  const process = new SimulatedProcess(clock);
  const database = createFaultyDatabase({
    ...world,
    inner: world.database,
    process,
    witness: witnessOf(world),
  });
  const say = (level: string) => (facts: object, sentence: string) => {
    note(`${level} of node ${place}: ${sentence}${reasonIn(facts)}`);
    // What the world does to a node comes to it as an operational error; anything else is a mistake in core.
    if ("error" in facts && facts.error instanceof Error && !(facts.error instanceof MusterError))
      world.violate({ rule: "no internal errors", detail: facts.error.message, taskIds: [] });
  };
  const log: Log = { debug() {}, info() {}, warn: say("warn"), error: say("error") };
  const broker = world.broker ?? createSimulatedBroker({ clock, chance, faults, note });
  const ports = {
    database,
    bus: broker(process),
    registry: createInMemoryRegistry(),
    ...world.redis?.portsFor(process),
    blobs: createInMemoryBlobs(),
    clock: skewed(process.clock, () => world.skews[place] ?? 0),
    random: world.random,
    ids: world.ids,
    log,
  };
  const orchestrator = createOrchestrator(ports, { leaseMs, heartbeatMs, graceMs, breaker });
  let breakDown: (error: Error) => void = () => {};
  const down = new Promise<never>((_, reject) => {
    breakDown = reject;
  });
  down.catch(() => undefined);
  const node: NodeProcess = {
    place,
    orchestrator,
    process,
    down,
    crash() {
      process.kill();
      breakDown(lost("the node crashed"));
      if (world.nodes[place] === node) world.nodes[place] = null;
    },
  };
  // A node that can't reach the database when it starts ends, and is started again by whoever looks after it.
  orchestrator.start().catch((error: Error) => {
    note(`node ${place} could not start: ${error.message}`);
    node.crash();
  });
  follow(world, place, orchestrator);
  return node;
}

/** The clock of a node is off by a little or, after a jump, by more. It never goes back. */
function skewed(clock: Clock, skewMs: () => number): Clock {
  let latest = 0;
  return {
    now() {
      latest = Math.max(latest, clock.now() + skewMs());
      return latest;
    },
    setTimer: clock.setTimer,
  };
}

interface Witnessed {
  id: string;
  token: string;
  kind?: string;
  handed?: { token: string } | null;
}

/** Knows the newest lease of each task, and sees when a result is accepted under another one. */
function witnessOf({ promises, violate, witnesses }: World) {
  return (statement: string, rows: readonly unknown[]): void => {
    for (const witness of witnesses) witness(statement, rows);
    if (statement !== "claim" && !completions.has(statement)) return;
    for (const { id, token, kind, handed } of rows as Witnessed[]) {
      if (statement === "claim") promises.leases.set(id, token);
      else if (kind === "handed") promises.leases.set(id, handed?.token ?? "");
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

/** Somebody who watches every event at one node and goes on, in each life of it, where the last one stopped. */
function follow({ followed, violate }: World, place: number, { events }: Orchestrator): void {
  const got = followed[place] ?? [];
  followed[place] = got;
  events.subscribe(got.at(-1) ?? 0, {}, root, ({ seq, type, taskId }) => {
    if (seq <= (got.at(-1) ?? 0)) {
      violate({
        rule: "events in order",
        detail: `${type} ${seq} came late at node ${place}`,
        taskIds: taskId === null ? [] : [taskId],
      });
    }
    got.push(seq);
  });
}
