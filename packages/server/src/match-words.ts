import { openEmbedder } from "./compose/open-embedder.ts";
import { rankByWords } from "./core/discovery/rank-by-words.ts";

export interface MatchOptions {
  /** Whether the model on this machine may compare meanings, too, if it is installed. True by default. */
  byMeaning?: boolean;
}

/** Texts that are less alike than this have nothing to do with each other. */
const leastSimilarity = 0.35;

/**
 * How near each text is to the words, from 0 (nothing in common) upwards: by the words that they share, and by their
 * meaning where a model for that lies on this machine. Nothing leaves it.
 */
export async function matchWords(
  words: string,
  texts: readonly string[],
  { byMeaning = true }: MatchOptions = {},
): Promise<number[]> {
  const shared = rankByWords(words, texts);
  const best = Math.max(...shared, 0);
  const similar = byMeaning ? await similarities(words, texts) : undefined;
  return texts.map((_, index) => {
    const near = similar?.[index] ?? 0;
    return (best === 0 ? 0 : shared[index]! / best) + (near >= leastSimilarity ? near : 0);
  });
}

async function similarities(words: string, texts: readonly string[]): Promise<number[] | undefined> {
  const embedder = await openEmbedder({ embeddings: "local" });
  if (embedder === undefined || texts.length === 0) return undefined;
  try {
    const [wanted, ...found] = await embedder.embed([words, ...texts.map((text) => text || "-")]);
    return found.map((vector) => vector.reduce((sum, value, at) => sum + value * (wanted![at] ?? 0), 0));
  } catch {
    // Without meanings there are still the words.
    return undefined;
  } finally {
    await embedder.close();
  }
}
