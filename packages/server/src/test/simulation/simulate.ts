import { createHash } from "node:crypto";
import type { Database } from "../../ports/database.ts";
import { emptyDatabase } from "../orchestrate.ts";
import { loseConnection } from "./agent-door.ts";
import { checkHistory, checkMoment, findOpen } from "./checks.ts";
import { createClients, tenants } from "./clients.ts";
import type { Violation } from "./event-rules.ts";
import { noFaults, someFaults } from "./faults.ts";
import { startManualAgent } from "./manual-agent.ts";
import type { Rewrite } from "./mutations.ts";
import { startOrchestrator } from "./orchestrator-process.ts";
import { readWholeLog } from "./read-log.ts";
import { type AgentProcess, startSdkAgent } from "./sdk-agent.ts";
import { createWorld, type World } from "./world.ts";

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
  simulatedMs: number;
}

const mostAgents = 8;
const agentsAtFirst = 4;
const mostStepMs = 900;
/** Longest time that everything may take to end once faults have stopped. */
const patienceMs = 15 * 60_000;
const calmStepMs = 1_000;
/** For the last events to reach their subscribers. */
const quietMs = 12_000;

/** How often each thing happens. */
const happenings = {
  submit: 14,
  submitAgain: 2,
  cancel: 4,
  retry: 4,
  startRun: 3,
  cancelRun: 1,
  retryRun: 1,
  agentStarts: 8,
  agentDies: 3,
  agentFreezes: 3,
  agentThaws: 4,
  agentStops: 1,
  orchestratorCrashes: 2,
  orchestratorStarts: 10,
  orchestratorFreezes: 0.5,
  weatherChanges: 2,
  nothing: 6,
};

/**
 * One history of a world in which everything goes wrong, and whether all rules held. The database is emptied
 * first. The same seed and steps give the same history, event by event.
 */
export async function simulate(
  database: Database,
  { seed, steps, rewrite = (statement) => statement }: SimulationOptions,
): Promise<SimulationResult> {
  await emptyDatabase(database);
  const world = createWorld(database, seed, rewrite);
  const startAt = world.clock.now();
  const crew = createCrew(world);
  const clients = createClients(world);
  world.orchestrator = startOrchestrator(world);
  for (let place = 0; place < agentsAtFirst; place++) crew.agentStarts();
  for (let step = 0; step < steps && world.violations.length === 0; step++) {
    const what = world.chance.weighted(happenings);
    if (what in crew) crew[what as keyof typeof crew]();
    else if (what !== "nothing") clients.act(what as Parameters<typeof clients.act>[0]);
    await world.clock.advance(world.chance.int(1, mostStepMs));
    await checkMoment(world, null);
  }
  if (world.violations.length === 0) await calmDown(world, crew);
  world.orchestrator?.crash();
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
    simulatedMs: world.clock.now() - startAt,
  };
}

/** Faults stop, good agents come, and everything must end. */
async function calmDown(world: World, crew: ReturnType<typeof createCrew>): Promise<void> {
  world.note("faults stop");
  Object.assign(world.faults, noFaults);
  crew.orchestratorStarts();
  crew.killAll();
  for (const [place, tenant] of [...tenants, "*"].entries()) startSdkAgent(world, `good-${place}`, tenant, 8);
  const calmAt = world.clock.now();
  const calmMs = () => world.clock.now() - calmAt;
  do {
    await world.clock.advance(calmStepMs);
    await checkMoment(world, calmMs());
  } while (world.violations.length === 0 && calmMs() < patienceMs && (await findOpen(world)).length > 0);
  if (world.violations.length > 0) return;
  await world.clock.advance(quietMs);
  await checkHistory(world);
}

/** The processes of the world, and what happens to them. */
function createCrew(world: World) {
  const { chance, note } = world;
  let agents: AgentProcess[] = [];
  let started = 0;

  function remove(agent: AgentProcess): void {
    agents = agents.filter((other) => other !== agent);
  }

  function end(agent: AgentProcess): void {
    agent.process.kill();
    remove(agent);
    // The orchestrator may see the connection break, or learn of it from the silence.
    if (chance.is(0.5)) loseConnection(world, agent.id);
  }

  return {
    agentStarts(): void {
      if (agents.length >= mostAgents) return;
      // Sometimes under the name of one that died, while its leases go on.
      const number = started > 0 && chance.is(0.4) ? chance.int(0, started - 1) : started++;
      const id = `agent-${number}`;
      if (agents.some((agent) => agent.id === id)) return;
      const tenant = number % 4 === 3 ? "*" : tenants[number % 2]!;
      const start = chance.is(0.6) ? startSdkAgent : startManualAgent;
      agents.push(start(world, id, tenant, 1 + (number % 5)));
      note(`${id} starts for ${tenant}`);
    },
    agentDies(): void {
      if (agents.length === 0) return;
      const agent = chance.pick(agents);
      note(`${agent.id} dies`);
      end(agent);
    },
    agentStops(): void {
      const polite = agents.filter((agent) => agent.stop !== null && agent.process.isRunning);
      if (polite.length === 0) return;
      const agent = chance.pick(polite);
      note(`${agent.id} stops`);
      agent.stop?.().catch(() => undefined);
      remove(agent);
    },
    agentFreezes(): void {
      if (agents.length > 0) chance.pick(agents).process.freeze();
    },
    agentThaws(): void {
      for (const agent of agents) if (chance.is(0.5)) agent.process.thaw();
    },
    orchestratorCrashes(): void {
      if (world.orchestrator === null) return;
      note("the orchestrator crashes");
      world.orchestrator.crash();
      world.orchestrator = null;
    },
    orchestratorStarts(): void {
      world.orchestrator?.process.thaw();
      if (world.orchestrator !== null) return;
      note("an orchestrator starts");
      world.orchestrator = startOrchestrator(world);
    },
    orchestratorFreezes(): void {
      world.orchestrator?.process.freeze();
    },
    weatherChanges(): void {
      const bad = chance.is(0.6);
      note(bad ? "bad weather" : "good weather");
      Object.assign(world.faults, bad ? someFaults : noFaults);
    },
    killAll(): void {
      for (const agent of [...agents]) end(agent);
    },
  };
}
