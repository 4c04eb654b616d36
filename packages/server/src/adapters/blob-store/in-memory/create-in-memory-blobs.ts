import { MusterError } from "@muster/sdk/protocol";
import type { BlobInfo, BlobStore } from "../../../ports/blob-store.ts";
import { checkKey, checkListing, checkPut, notFound } from "../check-key.ts";
import { measureBody } from "../measured-body.ts";
import { plainBody, verifiedBody } from "../verified-body.ts";

interface Kept {
  info: BlobInfo;
  content: Uint8Array;
}

export interface InMemoryBlobsOptions {
  /** Bytes of all blobs together, 256 MiB by default; a put beyond that is refused with `limit_exceeded`. */
  mostBytes?: number;
}

const defaultMostBytes = 256 * 1024 * 1024;

/** Blobs in this process, gone with it: for orchestrators that keep everything in memory, and for tests. */
export function createInMemoryBlobs({ mostBytes = defaultMostBytes }: InMemoryBlobsOptions = {}): BlobStore {
  const blobs = new Map<string, Kept>();
  /** Bytes of what is kept and of what is on its way. */
  let taken = 0;

  async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    try {
      for await (const chunk of body) {
        if (taken + chunk.byteLength > mostBytes) throw full(mostBytes);
        taken += chunk.byteLength;
        bytes += chunk.byteLength;
        chunks.push(Uint8Array.from(chunk));
      }
    } catch (error) {
      taken -= bytes;
      throw error;
    }
    return Buffer.concat(chunks);
  }

  function remove(key: string): void {
    taken -= blobs.get(key)?.info.bytes ?? 0;
    blobs.delete(key);
  }

  return {
    async put(key, body, options = {}) {
      checkKey(key);
      const contentType = checkPut(options);
      const measured = measureBody(body, options);
      const content = await collect(measured);
      let info: BlobInfo;
      try {
        info = { key, ...measured.finish(), contentType, storedAt: Math.floor(Date.now() / 1_000) * 1_000 };
      } catch (error) {
        taken -= content.byteLength;
        throw error;
      }
      remove(key);
      blobs.set(key, { info, content });
      return { ...info };
    },
    async get(key, { range, signal } = {}) {
      checkKey(key);
      signal?.throwIfAborted();
      const kept = blobs.get(key);
      if (kept === undefined) throw notFound(key);
      const info = { ...kept.info };
      const release = async () => {};
      const read = async function* () {
        yield range === undefined ? kept.content : kept.content.subarray(range.start, range.end + 1);
      };
      const source = { read, release };
      return { info, body: range === undefined ? verifiedBody(info, source) : plainBody(source) };
    },
    async head(key) {
      checkKey(key);
      const kept = blobs.get(key);
      return kept === undefined ? null : { ...kept.info };
    },
    async delete(key) {
      checkKey(key);
      remove(key);
    },
    async list(prefix, options) {
      const { after, limit } = checkListing(prefix, options);
      const keys = [...blobs.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
      const page = keys.slice(0, limit).map((key) => {
        const { bytes, storedAt } = (blobs.get(key) as Kept).info;
        return { key, bytes, storedAt };
      });
      return { blobs: page, next: keys.length > limit ? (page.at(-1)?.key ?? null) : null };
    },
    sweep: async () => 0,
    check: async () => {},
    async close() {
      blobs.clear();
    },
  };
}

const full = (mostBytes: number): MusterError =>
  new MusterError(
    "limit_exceeded",
    `Everything that is kept in memory may take ${mostBytes} bytes, and no more fits.`,
    {
      hint: "Delete what is not needed, or give Muster a data folder or S3_URL.",
    },
  );
