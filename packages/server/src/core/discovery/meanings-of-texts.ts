import type { Clock } from "../../ports/clock.ts";
import type { Embedder } from "../../ports/embedder.ts";
import type { Log } from "../../ports/log.ts";

/** Texts whose meaning is kept, 4 KB each at most with the usual model. */
const mostKept = 4_000;
/** Characters of a text that count, and texts that are embedded at once and for one question. */
const mostCharacters = 1_000;
const atOnce = 16;
const mostForOne = 256;
/** Nobody waits longer for the embedder; what it made by then is there for the next question. */
const patienceMs = 2_000;
/** After a failure it is left in peace for this long. */
const coolDownMs = 10_000;

export interface MeaningsDependencies {
  clock: Clock;
  log: Log;
  /** Left out: nothing is compared by its meaning. */
  embedder?: Embedder;
}

/**
 * How near texts are in meaning to a question, each the cosine of both; null: nobody can tell now. What texts mean is
 * kept, so a question embeds itself and what is new. One that has to wait for too many new texts is answered
 * without; they are embedded meanwhile.
 */
export type SimilaritiesTo = (question: string, texts: readonly string[]) => Promise<number[] | null>;

export function createMeaningsOfTexts({ clock, log, embedder }: MeaningsDependencies): SimilaritiesTo {
  if (embedder === undefined) return async () => null;
  const by = embedder;
  const kept = new Map<string, Float32Array>();
  let notBefore = Number.NEGATIVE_INFINITY;
  let embedding: Promise<void> = Promise.resolve();

  async function embedNew(by: Embedder, wanted: ReadonlySet<string>): Promise<void> {
    const missing = [...wanted].filter((text) => !kept.has(text)).slice(0, mostForOne);
    for (let from = 0; from < missing.length; from += atOnce) {
      const some = missing.slice(from, from + atOnce);
      const vectors = await by.embed(some);
      for (const [index, text] of some.entries())
        kept.set(text, Float32Array.from(vectors[index] as number[]));
    }
  }

  /** One after the other, so that questions of the same moment do not embed the same texts. */
  function embed(wanted: ReadonlySet<string>): Promise<void> {
    embedding = embedding.then(async () => {
      if (clock.now() < notBefore) return;
      try {
        await embedNew(by, wanted);
      } catch (error) {
        notBefore = clock.now() + coolDownMs;
        log.warn({ error }, "What agents can do could not be embedded; they are found by words alone.");
      }
    });
    return embedding;
  }

  function forgetOldest(): void {
    for (const text of kept.keys()) {
      if (kept.size <= mostKept) return;
      kept.delete(text);
    }
  }

  return async function similaritiesTo(question, texts) {
    const asked = shortened(question);
    const all = texts.map(shortened);
    await soon(embed(new Set([asked, ...all])), clock);
    const to = kept.get(asked);
    if (to === undefined) return null;
    const found = all.map((text) => kept.get(text));
    // What was asked for last is forgotten last.
    for (const text of [asked, ...all]) {
      const vector = kept.get(text);
      if (vector === undefined) continue;
      kept.delete(text);
      kept.set(text, vector);
    }
    forgetOldest();
    return found.map((vector) => (vector === undefined ? 0 : cosine(to, vector)));
  };
}

const shortened = (text: string): string => text.slice(0, mostCharacters).trim() || "nothing";

/** Both are of length 1. */
const cosine = (one: Float32Array, other: Float32Array): number =>
  one.length === other.length ? one.reduce((sum, value, at) => sum + value * (other[at] as number), 0) : 0;

/** Resolves with `work`, or when patience is over. */
const soon = (work: Promise<void>, clock: Clock): Promise<void> =>
  new Promise((resolve) => {
    const timer = clock.setTimer(patienceMs, resolve);
    void work.then(() => {
      timer.cancel();
      resolve();
    });
  });
