import type { Database } from "../../ports/database.ts";
import type { Embedder } from "../../ports/embedder.ts";
import type { Log } from "../../ports/log.ts";
import { findDimensions } from "../queue/statements/near-memories.ts";
import { createEmbedLate } from "./embed-late.ts";
import type { MemoryService } from "./memories.ts";
import { createMemoryService, type MemoryDependencies } from "./memory-service.ts";
import { createNearness, type Nearness } from "./nearness.ts";

/** Memory with what has to be seen to from time to time. */
export interface Memory {
  service: MemoryService;
  /** Makes the index over meanings where one is missing, as after a restore: before work begins, for it takes a while. */
  start(): Promise<void>;
  /** Embeds what is not embedded yet, in the background. Of several nodes one does it. */
  tend(): void;
  stop(): Promise<void>;
}

export function createMemory(deps: Omit<MemoryDependencies, "nearness">): Memory {
  const { database, log, embedder } = deps;
  const nearness = createNearness(database, log);
  const service = createMemoryService({ ...deps, nearness });
  if (embedder === undefined) {
    return { service, start: async () => {}, tend() {}, stop: async () => {} };
  }
  return { service, ...createCare(database, log, embedder, nearness) };
}

function createCare(database: Database, log: Log, embedder: Embedder, nearness: Nearness) {
  const embedLate = createEmbedLate(database, log, embedder);
  let running: Promise<void> | null = null;

  async function keepIndex(): Promise<void> {
    const [row] = await database.query(findDimensions, [embedder.model]);
    if (row !== undefined) await nearness.keepIndex(embedder.model, row.dimensions);
  }

  async function care(): Promise<void> {
    try {
      const embedded = await embedLate.run();
      if (embedded > 0) log.info({ embedded }, "Embedded memories that were not yet.");
      await keepIndex();
    } catch (error) {
      log.warn({ error }, "Memories could not be embedded; the next round will try again.");
    }
  }

  return {
    start: () =>
      keepIndex().catch((error: unknown) =>
        log.warn({ error }, "The index over the meanings of memories could not be made."),
      ),
    tend(): void {
      running ??= care().finally(() => {
        running = null;
      });
    },
    async stop(): Promise<void> {
      embedLate.stop();
      await running;
    },
  };
}
