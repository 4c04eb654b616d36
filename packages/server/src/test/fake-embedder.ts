import { MusterError } from "@muster/sdk/protocol";
import type { Embedder } from "../ports/embedder.ts";

export interface FakeEmbedder extends Embedder {
  /** What it was asked for, call by call. */
  readonly asked: string[][];
  /** Makes every call fail, or none any more. */
  failWith(error: MusterError | null): void;
}

/** Words that mean the same, for this embedder. */
const synonyms: Readonly<Record<string, string>> = {
  car: "vehicle",
  automobile: "vehicle",
  truck: "vehicle",
};

/** A number for a word, the same in every run. */
function hashOf(word: string): number {
  let hash = 2_166_136_261;
  for (const character of word)
    hash = Math.imul(hash ^ (character.codePointAt(0) as number), 16_777_619) >>> 0;
  return hash;
}

/** A direction for each word, which has nothing to do with that of another one; a text points where its words point. */
export function meaningOfWords(text: string, dimensions: number): number[] {
  const sum = new Array<number>(dimensions).fill(0);
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)) {
    let state = hashOf(synonyms[word] ?? word) || 1;
    for (let at = 0; at < dimensions; at++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      sum[at] = (sum[at] as number) + (state >>> 0) / 2 ** 31 - 1;
    }
  }
  const length = Math.hypot(...sum) || 1;
  return length === 1 && sum.every((value) => value === 0)
    ? sum.map((_, at) => (at === 0 ? 1 : 0))
    : sum.map((value) => value / length);
}

/** An embedder without a model: texts that share words, or synonyms, are near to each other. */
export function createFakeEmbedder(model = "fake-words", dimensions = 32): FakeEmbedder {
  const asked: string[][] = [];
  let failure: MusterError | null = null;
  return {
    model,
    asked,
    failWith(error) {
      failure = error;
    },
    async embed(texts) {
      asked.push([...texts]);
      if (failure !== null) throw failure;
      const refused = texts.some((text) => text.includes("unembeddable"));
      if (refused) throw new MusterError("invalid_request", "This text is refused.");
      return texts.map((text) => meaningOfWords(text, dimensions));
    },
    close: async () => {},
  };
}
