import type { Embedder } from "../../ports/embedder.ts";
import { findDimensions } from "../queue/statements/near-memories.ts";
import { createEmbedLate } from "./embed-late.ts";
import type { MemoryService } from "./memories.ts";
import { createMemoryService, type MemoryDependencies } from "./memory-service.ts";
import { createNearness, type Nearness, type NearnessDependencies } from "./nearness.ts";
import { createShowLate } from "./show-late.ts";

/** Memory with what has to be seen to from time to time. */
export interface Memory {
  service: MemoryService;
  /** Makes the index over meanings where one is missing, while it is empty. */
  start(): Promise<void>;
  /** In the background: embeds what is not embedded yet, of several nodes one, and shows searches what they can't see yet. */
  tend(): void;
  stop(): Promise<void>;
}

export function createMemory(deps: Omit<MemoryDependencies, "nearness">): Memory {
  const { embedder } = deps;
  const nearness = createNearness(deps);
  const service = createMemoryService({ ...deps, nearness });
  if (embedder === undefined) {
    return { service, start: async () => {}, tend() {}, stop: async () => {} };
  }
  return { service, ...createCare(deps, embedder, nearness) };
}

function createCare({ database, clock, log }: NearnessDependencies, embedder: Embedder, nearness: Nearness) {
  const { model } = embedder;
  const embedLate = createEmbedLate(database, log, embedder);
  const showLate = createShowLate(database, clock);
  let running: Promise<void> | null = null;

  /** Answers of how many dimensions the embeddings are; null: there are none. */
  async function keepIndex(): Promise<number | null> {
    const [row] = await database.query(findDimensions, [model]);
    if (row === undefined) return null;
    if (await nearness.keepIndex(row.dimensions)) showLate.restart();
    return row.dimensions;
  }

  async function show(dimensions: number): Promise<void> {
    const shown = await showLate.run(model, dimensions, () => nearness.setComplete(false));
    if (shown === null) return;
    nearness.setComplete(true);
    if (shown > 0) log.info({ memories: shown }, "Memories were made ready to be found by their meaning.");
  }

  async function care(): Promise<void> {
    try {
      const embedded = await embedLate.run();
      if (embedded > 0) log.info({ embedded }, "Embedded memories that were not yet.");
      const dimensions = await keepIndex();
      if (dimensions !== null) await show(dimensions);
    } catch (error) {
      log.warn({ error }, "Memories could not be embedded; the next round will try again.");
    }
  }

  return {
    async start(): Promise<void> {
      try {
        const dimensions = await keepIndex();
        if (dimensions !== null && (await showLate.begin(model, dimensions))) nearness.setComplete(false);
      } catch (error) {
        log.warn({ error }, "The index over the meanings of memories could not be made.");
      }
    },
    tend(): void {
      running ??= care().finally(() => {
        running = null;
      });
    },
    async stop(): Promise<void> {
      embedLate.stop();
      showLate.stop();
      await running;
    },
  };
}
