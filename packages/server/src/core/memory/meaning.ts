import type { Clock } from "../../ports/clock.ts";
import type { Embedder } from "../../ports/embedder.ts";
import type { Log } from "../../ports/log.ts";

/** After a failure nobody waits for the embedder for this long. */
const coolDownMs = 10_000;

/** What a text means to a model; or why nobody knows. */
export type Meant = { model: string; vector: number[] } | { model: null; note: string };

export interface MeaningDependencies {
  clock: Clock;
  log: Log;
  /** Left out: memories are found by their words alone. */
  embedder?: Embedder;
}

/** Asks the embedder, never inside a transaction, and does without it for a while when it fails. */
export function createMeaning({ clock, log, embedder }: MeaningDependencies) {
  let failedAt = Number.NEGATIVE_INFINITY;

  const unknown = (why: string): Meant => ({
    model: null,
    note: `${why}: memories are found by their words alone.`,
  });

  return async function meaningOf(text: string): Promise<Meant> {
    if (embedder === undefined) return unknown("Meanings are not compared here");
    if (clock.now() < failedAt + coolDownMs) return unknown("The embedder failed a moment ago");
    try {
      const [vector = []] = await embedder.embed([text]);
      return { model: embedder.model, vector };
    } catch (error) {
      failedAt = clock.now();
      log.warn({ error }, "A text could not be embedded; its memory is found by its words until it is.");
      return unknown(`The embedder failed (${(error as Error).message.replace(/\.$/, "")})`);
    }
  };
}

export type MeaningOf = ReturnType<typeof createMeaning>;
