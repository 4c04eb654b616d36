import { createHash } from "node:crypto";
import fc from "fast-check";

/** Bytes that repeat nowhere soon, the same for the same seed. */
export function bytesOf(seed: number, length: number): Buffer {
  const content = Buffer.alloc(length);
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  for (let at = 0; at + 4 <= length; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    content.writeUInt32LE(state, at);
  }
  return content;
}

export const sha256Of = (content: Uint8Array): string => createHash("sha256").update(content).digest("hex");

/** A body of chunks of these lengths, again and again, as long as there is content. */
export async function* cut(
  content: Uint8Array,
  lengths: readonly number[] = [64 * 1024],
): AsyncGenerator<Uint8Array> {
  const repeats = lengths.some((length) => length > 0);
  for (let at = 0, index = 0; at < content.length; index++) {
    const length = repeats ? (lengths[index % lengths.length] as number) : content.length;
    yield content.subarray(at, at + length);
    at += length;
  }
}

export async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Keys of few letters, so that some are the beginning of others or differ by a capital alone. */
export const anyKey = fc
  .array(
    fc
      .string({ unit: fc.constantFrom("a", "b", "A", "-", ".", "_", "0"), minLength: 1, maxLength: 4 })
      .filter((segment) => segment !== "." && segment !== ".."),
    { minLength: 1, maxLength: 3 },
  )
  .map((segments) => segments.join("/"));
