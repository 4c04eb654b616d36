import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { MusterError } from "@muster/sdk/protocol";
import type { Part } from "./manifest.ts";
import type { Seal } from "./seal.ts";

/** Rows compress to a tenth at any level; a higher one only takes longer. */
const level = 2;
const bufferBytes = 256 * 1024;

/** A part on its way into the store; what it is, is known at its end. */
export interface PackedPart extends AsyncIterable<Uint8Array> {
  finish(): Part;
}

/** Compresses, seals and sums up what becomes one part of an archive, with bounded memory. */
export function packPart(number: number, plain: AsyncIterable<Uint8Array>, seal: Seal): PackedPart {
  const hash = createHash("sha256");
  let bytes = 0;
  let plainBytes = 0;

  async function* counted() {
    for await (const chunk of plain) {
      plainBytes += chunk.byteLength;
      yield chunk;
    }
  }

  return {
    async *[Symbol.asyncIterator]() {
      const gzip = createGzip({ level, chunkSize: bufferBytes });
      for await (const chunk of seal.close(number, through(counted(), gzip))) {
        hash.update(chunk);
        bytes += chunk.byteLength;
        yield chunk;
      }
    },
    finish: () => ({ number, bytes, sha256: hash.digest("hex"), plainBytes }),
  };
}

/**
 * What was packed as this part. Fails with `content_damaged` before its end unless it is exactly that, so whoever
 * uses it keeps nothing before the end. It never gives out more than the manifest says.
 */
export async function* unpackPart(
  id: string,
  part: Part,
  stored: AsyncIterable<Uint8Array>,
  seal: Seal,
): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  let bytes = 0;
  let plainBytes = 0;

  async function* summed() {
    for await (const chunk of stored) {
      hash.update(chunk);
      bytes += chunk.byteLength;
      if (bytes > part.bytes) throw damaged(id, part, "it is longer than it was");
      yield chunk;
    }
    if (bytes < part.bytes) throw damaged(id, part, "its end is missing");
    if (hash.digest("hex") !== part.sha256) throw damaged(id, part, "its content is not what it was");
  }

  const gunzip = createGunzip({ chunkSize: bufferBytes });
  try {
    for await (const chunk of through(seal.open(part.number, summed()), gunzip)) {
      plainBytes += chunk.length;
      if (plainBytes > part.plainBytes) throw damaged(id, part, "it holds more than it should");
      yield chunk;
    }
  } catch (error) {
    throw isDamage(error) ? damaged(id, part, error.message) : error;
  }
  if (plainBytes !== part.plainBytes) throw damaged(id, part, "it holds less than it should");
}

/** A stream of zlib as what it is here: bytes in, bytes out. A fault on either side ends both. */
async function* through(
  from: AsyncIterable<Uint8Array>,
  zlib: NodeJS.ReadWriteStream & AsyncIterable<Buffer> & { destroy(error?: Error): void },
): AsyncGenerator<Buffer> {
  let failure: unknown;
  const feeding = pipeline(Readable.from(from, { objectMode: true, highWaterMark: 1 }), zlib).catch(
    (error: unknown) => {
      failure = error;
    },
  );
  try {
    for await (const chunk of zlib) yield chunk;
  } catch (error) {
    await feeding;
    throw failure ?? error;
  } finally {
    zlib.destroy();
    await feeding;
  }
}

/** What zlib says of bytes that it did not write, and the store of a blob that is not what was put. */
const isDamage = (error: unknown): error is Error =>
  error instanceof Error &&
  "code" in error &&
  (String(error.code).startsWith("Z_") || error.code === "checksum_mismatch");

const damaged = (id: string, { number }: Part, how: string): MusterError =>
  new MusterError("content_damaged", `Part ${number} of backup ${id} is damaged: ${how}.`, {
    hint: "Use another backup: `muster backup list` shows them.",
  });
