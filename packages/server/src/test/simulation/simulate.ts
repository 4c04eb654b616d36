import { createHash } from "node:crypto";
import { calmDown } from "./calm-down.ts";
import { checkMoment } from "./check-moment.ts";
import { createClients } from "./clients.ts";
import { createCrew } from "./crew.ts";
import type { Violation } from "./event-rules.ts";
import type { Rewrite } from "./mutations.ts";
import { readWholeLog } from "./read-log.ts";
import { nodesUp } from "./wire.ts";
import { createWorld } from "./world.ts";
import type { WorldDatabase } from "./world-database.ts";

export interface SimulationOptions {
  seed: number;
  /** Things that happen before the faults stop. */
  steps: number;
  /** Breaks statements, to prove that it is seen. */
  rewrite?: Rewrite;
}

export interface SimulationResult {
  seed: number;
  steps: number;
  violations: Violation[];
  /** Of the event table and of everything that was noted: the same for the same seed. */
  hash: string;
  lines: string[];
  tasks: number;
  events: number;
  nodes: number;
  simulatedMs: number;
}

const agentsAtFirst = 4;
const mostStepMs = 900;
/** How often each thing happens. */
const happenings = {
  submit: 14,
  submitAgain: 2,
  cancel: 6,
  retry: 5,
  startRun: 4,
  lock: 3,
  raise: 3,
  schedule: 3,
  changeSchedule: 1,
  trigger: 2,
  changeTrigger: 1,
  cancelRun: 1,
  retryRun: 1,
  agentStarts: 8,
  agentDies: 3,
  agentFreezes: 3,
  agentThaws: 4,
  agentStops: 1,
  agentMoves: 3,
  nodeCrashes: 3,
  nodeStarts: 12,
  nodeFreezes: 0.5,
  clockJumps: 2,
  redisForgets: 1,
  redisLeaves: 0.5,
  redisComesBack: 2,
  weatherChanges: 2,
  nothing: 6,
};

/**
 * One history of a world in which everything goes wrong, and whether all rules held. The database is emptied
 * first. The same seed and steps give the same history, event by event.
 */
export async function simulate(
  { database, empty }: WorldDatabase,
  { seed, steps, rewrite = (statement) => statement }: SimulationOptions,
): Promise<SimulationResult> {
  await empty();
  const world = createWorld(database, seed, rewrite);
  const startAt = world.clock.now();
  const crew = createCrew(world);
  const clients = createClients(world);
  crew.allStart();
  for (let place = 0; place < agentsAtFirst; place++) crew.agentStarts();
  for (let step = 0; step < steps && world.violations.length === 0; step++) {
    const what = world.chance.weighted(happenings);
    if (what in crew) crew[what as keyof typeof crew]();
    else if (what !== "nothing") clients.act(what as Parameters<typeof clients.act>[0]);
    await world.clock.advance(world.chance.int(1, mostStepMs));
    await checkMoment(world, null);
  }
  if (world.violations.length === 0) await calmDown(world, crew);
  for (const node of nodesUp(world)) node.crash();
  crew.killAll();
  const events = await readWholeLog(world.database);
  const hash = createHash("sha256")
    .update(JSON.stringify(events))
    .update(world.lines.join("\n"))
    .digest("hex");
  return {
    seed,
    steps,
    violations: world.violations,
    hash,
    lines: world.lines,
    tasks: new Set(events.map((event) => event.task_id)).size - 1,
    events: events.length,
    nodes: world.nodes.length,
    simulatedMs: world.clock.now() - startAt,
  };
}
