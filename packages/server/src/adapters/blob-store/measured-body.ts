import { createHash } from "node:crypto";
import { MusterError } from "@muster/sdk/protocol";
import type { BlobInfo, PutOptions } from "../../ports/blob-store.ts";

/** What is on its way into a store, with its size and sum as soon as it was read to its end. */
export interface MeasuredBody extends AsyncIterable<Uint8Array> {
  /** Call it behind the last chunk. Throws `checksum_mismatch` where the content is not what was announced. */
  finish(): Pick<BlobInfo, "bytes" | "sha256">;
}

/**
 * The body of a put. Ends with the signal's reason when that aborts, however long the body's next chunk takes, and
 * lets go of the body in every case.
 */
export function measureBody(body: AsyncIterable<Uint8Array>, options: PutOptions): MeasuredBody {
  const hash = createHash("sha256");
  let bytes = 0;
  return {
    async *[Symbol.asyncIterator]() {
      for await (const chunk of untilAborted(body, options.signal)) {
        if (chunk.byteLength === 0) continue;
        hash.update(chunk);
        bytes += chunk.byteLength;
        yield chunk;
      }
    },
    finish() {
      const sha256 = hash.digest("hex");
      if (options.sha256 !== undefined && options.sha256 !== sha256) {
        throw new MusterError(
          "checksum_mismatch",
          `The content that arrived has the SHA-256 ${sha256} and not ${options.sha256}, as was announced.`,
          { hint: "It was changed or cut on the way, or another file was meant. Send it again." },
        );
      }
      return { bytes, sha256 };
    },
  };
}

async function* untilAborted(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted();
  const iterator = body[Symbol.asyncIterator]();
  let giveUp: (reason: unknown) => void = () => {};
  const abort = () => giveUp(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    for (;;) {
      // Not a race against one promise of the abort: that would hold on to every chunk until the end.
      const { done, value } = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        giveUp = reject;
        signal?.throwIfAborted();
        iterator.next().then(resolve, reject);
      });
      if (done === true) return;
      yield value;
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    // Not awaited: where the body hangs, so does this.
    iterator.return?.().catch(() => {});
  }
}
