import { createHash } from "node:crypto";
import { MusterError } from "@muster/sdk/protocol";
import type { BlobBody, BlobInfo } from "../../ports/blob-store.ts";

/** Where the content comes from: `read` begins at once and only once, `release` may be called at any time. */
export interface ContentSource {
  read(): AsyncIterable<Uint8Array>;
  release(): Promise<void>;
}

/**
 * The content of a blob on its way out. A reader who got as many bytes as the blob has may believe that it has
 * all, so the last chunk is held back until the sum is known to be right.
 */
export function verifiedBody(info: BlobInfo, source: ContentSource): BlobBody {
  return bodyOf(source, () => verify(info, source.read()));
}

/** A part of a blob, of which no sum is known. */
export const plainBody = (source: ContentSource): BlobBody => bodyOf(source, () => source.read());

function bodyOf(source: ContentSource, read: () => AsyncIterable<Uint8Array>): BlobBody {
  return {
    async *[Symbol.asyncIterator]() {
      try {
        yield* read();
      } finally {
        await source.release();
      }
    },
    cancel: () => source.release(),
  };
}

async function* verify(info: BlobInfo, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let bytes = 0;
  let held: Uint8Array | undefined;
  for await (const chunk of content) {
    if (chunk.byteLength === 0) continue;
    if (held !== undefined) yield held;
    hash.update(chunk);
    bytes += chunk.byteLength;
    held = chunk;
  }
  if (bytes !== info.bytes || hash.digest("hex") !== info.sha256) throw damaged(info.key);
  if (held !== undefined) yield held;
}

export const damaged = (key: string, cause?: unknown): MusterError =>
  new MusterError("content_damaged", `The blob ${key} is not what was put: its content and its sum differ.`, {
    hint: "Check the disk or the bucket, and put the blob again from its source.",
    cause,
  });
