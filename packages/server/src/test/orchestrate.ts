import {
  type AgentDefinition,
  createAgent,
  type RunningAgent,
  type TaskDetail,
  type TaskSubmission,
} from "@muster/sdk";
import { createInMemoryRegistry } from "../adapters/agent-registry/in-memory/create-in-memory-registry.ts";
import { createInMemoryBlobs } from "../adapters/blob-store/in-memory/create-in-memory-blobs.ts";
import { createSystemClock } from "../adapters/clock/system-clock.ts";
import { createPgliteDatabase } from "../adapters/database/pglite/create-pglite-database.ts";
import { createSystemIds } from "../adapters/ids/system-ids.ts";
import { createInProcessBus } from "../adapters/message-bus/in-process/create-in-process-bus.ts";
import {
  createOrchestrator,
  type OrchestratorPorts,
  type OrchestratorSettings,
} from "../core/create-orchestrator.ts";
import { createInProcessTransport } from "../core/gateway/in-process-transport.ts";
import type { Orchestrator, Principal } from "../core/orchestrator.ts";
import { loadMigrations } from "../migrations/load-migrations.ts";
import { migrate } from "../migrations/migrate.ts";
import type { Database } from "../ports/database.ts";
import type { Log } from "../ports/log.ts";
import { createEmptying } from "./empty-store.ts";

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
export const root: Principal = { tenant: "*", role: "admin", name: "test" };
export const someone: Principal = { tenant: "default", role: "client", name: "test" };

const makeEmbedded = (): Promise<Database> => createPgliteDatabase({ dataDir: null, thread: "main" });
let makeDatabase = makeEmbedded;

/** Lets the suites of this test file work on databases of another make than in memory. */
export function makeDatabasesBy(make: () => Promise<Database>): void {
  makeDatabase = make;
}

/** A fresh database with the tables in it. */
export async function freshDatabase(): Promise<Database> {
  const database = await makeDatabase();
  await migrate(database, await loadMigrations());
  if (makeDatabase === makeEmbedded) emptyings.set(database, await createEmptying(database));
  return database;
}

/** How each embedded store is emptied. */
const emptyings = new WeakMap<Database, () => Promise<void>>();

const emptying = {
  name: "empty_database",
  text: "truncate task, dependency, attempt, journal, idempotency_key, fair_share, tenant, event, run, run_step, agent, api_key, node, breaker, retry_policy, retry_budget, lock, lock_waiter, rollout, rollout_shadow, state_project, state_document, state_version, schedule, event_trigger, trigger_start, backup_job, backup_schedule, budget, task_usage, memory, memory_embedding, memory_near, person, inbox_item, autonomy_day, autonomy_mark restart identity",
};

/**
 * Empties every table, so that one database serves many tests. As a query it is run again where the last word of an
 * orchestrator that was stopped stands in its way.
 */
export async function emptyDatabase(database: Database): Promise<void> {
  const empty = emptyings.get(database);
  if (empty !== undefined) await empty();
  else await database.query(emptying, []);
}

export interface TestOrchestrator {
  orchestrator: Orchestrator;
  ports: OrchestratorPorts;
  agent(definition: AgentDefinition): Promise<RunningAgent>;
  /** Submits and waits until all have ended, in order. */
  finish(...tasks: TaskSubmission[]): Promise<TaskDetail[]>;
  stop(): Promise<void>;
}

/** An orchestrator on a database, with everything else in memory. */
export async function orchestrate(
  database: Database,
  settings: OrchestratorSettings = {},
  replaced: Partial<OrchestratorPorts> = {},
): Promise<TestOrchestrator> {
  const ports: OrchestratorPorts = {
    database,
    bus: createInProcessBus(),
    registry: createInMemoryRegistry(),
    blobs: createInMemoryBlobs(),
    clock: createSystemClock(),
    random: { next: () => 0.5 },
    ids: createSystemIds(),
    log: silentLog,
    ...replaced,
  };
  const orchestrator = createOrchestrator(ports, settings);
  const agents: RunningAgent[] = [];
  await orchestrator.start();
  return {
    orchestrator,
    ports,
    async agent(definition) {
      const agent = createAgent(definition);
      await agent.start({ transport: createInProcessTransport(orchestrator, root) });
      agents.push(agent);
      return agent;
    },
    async finish(...tasks) {
      const submitted = await orchestrator.tasks.submit(tasks, someone);
      return Promise.all(submitted.map(({ id }) => orchestrator.tasks.wait(id, 15_000, someone)));
    },
    async stop() {
      await Promise.all(agents.map((agent) => agent.stop(0)));
      await orchestrator.stop();
      await ports.bus.close();
    },
  };
}
