import { createInMemoryRegistry } from "./adapters/agent-registry/in-memory/create-in-memory-registry.ts";
import { createSystemClock } from "./adapters/clock/system-clock.ts";
import { createPgliteDatabase } from "./adapters/database/pglite/create-pglite-database.ts";
import { createSystemIds } from "./adapters/ids/system-ids.ts";
import { createInProcessBus } from "./adapters/message-bus/in-process/create-in-process-bus.ts";
import { createSystemRandom } from "./adapters/random/system-random.ts";
import { createOrchestrator, type OrchestratorSettings } from "./core/create-orchestrator.ts";
import type { Orchestrator } from "./core/orchestrator.ts";
import { loadMigrations } from "./migrations/load-migrations.ts";
import { migrate } from "./migrations/migrate.ts";
import type { Clock } from "./ports/clock.ts";
import type { Ids } from "./ports/ids.ts";
import type { Log } from "./ports/log.ts";

export interface ComposeOptions {
  /** Folder of the embedded store; null keeps everything in memory. */
  dataDir: string | null;
  log: Log;
  onProgress: (sentence: string) => void;
  /** Told once when the store broke while it was in use. */
  onFatal: (error: Error) => void;
  settings: OrchestratorSettings;
}

export interface Composition {
  orchestrator: Orchestrator;
  clock: Clock;
  ids: Ids;
  /** Lets go of everything, the store last. */
  close(): Promise<void>;
}

/**
 * Chooses the adapters and joins them to core. The only file that names adapters: embedded, everything lives in
 * this process and the store in one folder.
 */
export async function compose(options: ComposeOptions): Promise<Composition> {
  const { dataDir, log, onProgress, onFatal, settings } = options;
  const clock = createSystemClock();
  const ids = createSystemIds();
  const database = await createPgliteDatabase({ dataDir, log, onProgress, onFatal });
  try {
    await migrate(database, await loadMigrations());
    const bus = createInProcessBus({ log });
    const registry = createInMemoryRegistry();
    const random = createSystemRandom();
    const orchestrator = createOrchestrator(
      { database, bus, registry, clock, random, ids, log, nextTurn: setImmediate },
      settings,
    );
    return {
      orchestrator,
      clock,
      ids,
      async close() {
        await bus.close();
        await registry.close();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}
