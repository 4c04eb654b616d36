import {
  type AgentDefinition,
  createAgent,
  type RunningAgent,
  type TaskDetail,
  type TaskSubmission,
} from "@muster/sdk";
import { createInMemoryRegistry } from "../adapters/agent-registry/in-memory/create-in-memory-registry.ts";
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

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
export const root: Principal = { tenant: "*", role: "admin", name: "test" };
export const someone: Principal = { tenant: "default", role: "client", name: "test" };

/** A fresh database in memory with the tables in it. */
export async function freshDatabase(): Promise<Database> {
  const database = await createPgliteDatabase({ dataDir: null, thread: "main" });
  await migrate(database, await loadMigrations());
  return database;
}

/** Empties every table, so that one database serves many tests. */
export async function emptyDatabase(database: Database): Promise<void> {
  await database.execute(
    "truncate task, dependency, attempt, journal, idempotency_key, fair_share, tenant, event, run, run_step, agent, api_key restart identity",
  );
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
      await agent.start({ transport: createInProcessTransport(orchestrator.gateway, root) });
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
