import { MusterError } from "@muster/sdk/protocol";

/** Dimensions that an embedding has at most; what is offered today has up to 4,096. */
const mostDimensions = 8_192;

/** The vectors with length 1. Refuses what is no list of directions, one for each text, in one space. */
export function unitVectors(vectors: unknown, texts: number, by: string): number[][] {
  const wrong = (what: string) =>
    new MusterError("unavailable", `${by} answered ${what}.`, {
      hint: "Check that the address and the model are those of an embedding model.",
    });
  if (!Array.isArray(vectors) || vectors.length !== texts) throw wrong(`no ${texts} vectors`);
  const dimensions = Array.isArray(vectors[0]) ? vectors[0].length : 0;
  if (dimensions === 0 || dimensions > mostDimensions) throw wrong(`vectors of ${dimensions} dimensions`);
  return vectors.map((vector: unknown) => {
    if (!Array.isArray(vector) || vector.length !== dimensions || !vector.every(Number.isFinite))
      throw wrong("vectors that do not fit each other");
    const length = Math.hypot(...(vector as number[]));
    if (length === 0) throw wrong("a vector of length 0");
    return (vector as number[]).map((value) => value / length);
  });
}
