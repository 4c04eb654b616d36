import { createInMemoryRegistry } from "../../adapters/agent-registry/in-memory/create-in-memory-registry.ts";
import { createInMemoryBlobs } from "../../adapters/blob-store/in-memory/create-in-memory-blobs.ts";
import { createInProcessBus } from "../../adapters/message-bus/in-process/create-in-process-bus.ts";
import { createOrchestrator, type OrchestratorSettings } from "../../core/create-orchestrator.ts";
import type { Orchestrator } from "../../core/orchestrator.ts";
import type { Database } from "../../ports/database.ts";
import { emptyDatabase, silentLog } from "../orchestrate.ts";
import { createRewritingDatabase, type Rewrite } from "../simulation/mutations.ts";
import { createRestingDatabase } from "../simulation/resting-database.ts";
import { createSeededIds } from "../simulation/seeded-ids.ts";
import { createSeededRandom } from "../simulation/seeded-random.ts";
import { createSimulatedClock, type SimulatedClock } from "../simulation/simulated-clock.ts";

export interface LoneOrchestrator {
  orchestrator: Orchestrator;
  database: Database;
  clock: SimulatedClock;
}

/**
 * One orchestrator, not started, on an emptied database and a simulated clock that goes on when nothing is under way. All else
 * is in memory and by seed, so that whatever is played on it comes out the same each time.
 */
export async function loneOrchestrator(
  inner: Database,
  settings: OrchestratorSettings,
  rewrite: Rewrite = (statement) => statement,
): Promise<LoneOrchestrator> {
  await emptyDatabase(inner);
  const { database: resting, rest } = createRestingDatabase(inner);
  const database = createRewritingDatabase(resting, rewrite);
  const clock = createSimulatedClock({ settle: rest });
  const random = createSeededRandom(1);
  const bus = createInProcessBus({ defer: queueMicrotask });
  const ids = createSeededIds(clock, random);
  const [registry, blobs] = [createInMemoryRegistry(), createInMemoryBlobs()];
  const ports = { database, bus, registry, blobs, clock, random, ids, log: silentLog };
  return { orchestrator: createOrchestrator(ports, settings), database, clock };
}
