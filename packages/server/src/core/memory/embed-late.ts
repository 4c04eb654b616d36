import { MusterError } from "@muster/sdk/protocol";
import type { Database } from "../../ports/database.ts";
import type { Embedder } from "../../ports/embedder.ts";
import type { Log } from "../../ports/log.ts";
import { findUnembedded, writeEmbeddings } from "../queue/statements/near-memories.ts";
import { type NearCode, nearCodeOf } from "./near-code.ts";

/** Texts that are embedded at once, and how often in one go. */
const batch = 32;
const mostBatches = 20;
/** Memories whose text the embedder refuses, and that are left alone until the next start. */
const mostRefused = 1_000;

interface Late {
  id: string;
  text: string;
  model: string;
}

interface Embedded extends NearCode {
  id: string;
  before: string;
  vector: number[];
}

/**
 * Embeds, a bounded number at a time, what another model embedded or none: memories from the time before there was this
 * one, and those that were remembered while it was away. Until then they are found by their words.
 */
export function createEmbedLate(database: Database, log: Log, embedder: Embedder) {
  const refused = new Set<string>();
  let stopped = false;

  /** The vectors of those texts that the embedder takes. */
  async function embed(late: readonly Late[]): Promise<Embedded[]> {
    try {
      const vectors = await embedder.embed(late.map(({ text }) => text));
      return late.map(({ id, model }, index) => {
        const vector = vectors[index] as number[];
        return { id, before: model, vector, ...nearCodeOf(vector) };
      });
    } catch (error) {
      if (!(error instanceof MusterError) || error.code !== "invalid_request") throw error;
      if (late.length > 1) return (await Promise.all(late.map((one) => embed([one])))).flat();
      if (refused.size < mostRefused) refused.add(late[0]?.id as string);
      log.warn({ error, memory: late[0]?.id }, "The embedder refuses the text of a memory.");
      return [];
    }
  }

  return {
    /** Answers how many were embedded. */
    async run(): Promise<number> {
      let done = 0;
      for (let round = 0; round < mostBatches && !stopped; round++) {
        const late = await database.query(findUnembedded, [embedder.model, batch, [...refused]]);
        if (late.length === 0) break;
        const embedded = await embed(late);
        if (stopped) break;
        await database.query(writeEmbeddings, [embedder.model, JSON.stringify(embedded)]);
        done += embedded.length;
      }
      return done;
    },
    stop(): void {
      stopped = true;
    },
  };
}
