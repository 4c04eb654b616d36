import { createHash, type Hash } from "node:crypto";
import { type Artifact, type ArtifactEntry, type ArtifactFilter, MusterError } from "../protocol/index.ts";
import { backoffMs } from "../time/backoff.ts";
import { type Clock, sleep, waitingClock } from "../time/clock.ts";
import { type Random, systemRandom } from "../time/random.ts";
import type { ArtifactAccess, ArtifactContent } from "./artifact-access.ts";
import type { Page } from "./client.ts";

/** A text, bytes, or a stream of bytes. A function that gives the stream anew lets a put be repeated. */
export type ArtifactSource =
  | string
  | Uint8Array
  | AsyncIterable<Uint8Array>
  | (() => AsyncIterable<Uint8Array>);

export interface PutArtifactOptions {
  /** `application/octet-stream` where it is left out. */
  contentType?: string;
  signal?: AbortSignal;
  /** Told how many bytes were handed over so far; from 0 again when the put is repeated. */
  onProgress?: (bytes: number) => void;
}

export interface GetArtifactOptions {
  /** Only these bytes, both included. A part is not checked against the sum. */
  range?: { start: number; end: number };
  signal?: AbortSignal;
}

/** An artifact that is being fetched. Read it, or cancel it: it holds a connection until then. */
export interface ArtifactDownload extends AsyncIterable<Uint8Array> {
  readonly artifact: Artifact;
  /** All of it at once; `payload_too_large` beyond `mostBytes` (64 MiB). */
  bytes(mostBytes?: number): Promise<Uint8Array>;
  text(mostBytes?: number): Promise<string>;
  cancel(): Promise<void>;
}

/**
 * Files that are too large for inputs and outputs. Tasks refer to them by their key. Content is checked against its
 * SHA-256 on both ways, and an artifact is replaced as a whole or not at all.
 */
export interface ArtifactClient {
  /** Repeated a few times when the server can't be reached, unless the source is a stream that is gone by then. */
  put(key: string, source: ArtifactSource, options?: PutArtifactOptions): Promise<Artifact>;
  get(key: string, options?: GetArtifactOptions): Promise<ArtifactDownload>;
  /** Null where there is none. */
  head(key: string): Promise<Artifact | null>;
  /** In the order of keys; pass `next` as `after` to get the next page. */
  list(filter?: ArtifactFilter): Promise<Page<ArtifactEntry>>;
  /** Deleting what is not there is fine. */
  delete(key: string): Promise<void>;
}

const mostTries = 4;
const retryDelay = { firstMs: 200, maxMs: 2_000 };
const defaultMostBytes = 64 * 1024 * 1024;

export const createArtifactClient = (
  access: ArtifactAccess,
  { clock = waitingClock, random = systemRandom }: { clock?: Clock; random?: Random } = {},
): ArtifactClient => {
  const repeated = async <T>(work: () => Promise<T>, signal?: AbortSignal, tries = mostTries): Promise<T> => {
    for (let failures = 1; ; failures++) {
      try {
        return await work();
      } catch (error) {
        if (!isPassing(error) || failures >= tries) throw error;
        await sleep(clock, backoffMs(failures, retryDelay, random), signal);
      }
    }
  };

  const putOnce = async (
    key: string,
    source: ArtifactSource,
    { onProgress, ...options }: PutArtifactOptions,
  ): Promise<Artifact> => {
    const hash = createHash("sha256");
    const artifact = await access.put(key, measured(streamOf(source), hash, onProgress), options);
    if (artifact.sha256 === hash.digest("hex")) return artifact;
    throw new MusterError("checksum_mismatch", `What was stored as ${key} is not what was sent.`, {
      hint: "Another put of the same key may have been faster; else send it again.",
    });
  };

  return {
    put: (key, source, options = {}) => {
      const tries = isRepeatable(source) ? mostTries : 1;
      return repeated(() => putOnce(key, source, options), options.signal, tries);
    },
    get: async (key, options = {}) => {
      const { artifact, body } = await repeated(() => access.get(key, options), options.signal);
      return downloadOf(artifact, body, options.range === undefined);
    },
    head: (key) =>
      repeated(() => access.head(key)).catch((error: unknown) => {
        if (error instanceof MusterError && error.code === "not_found") return null;
        throw error;
      }),
    list: (filter) => repeated(() => access.list(filter)),
    delete: (key) => repeated(() => access.delete(key)),
  };
};

const isPassing = (error: unknown): boolean =>
  error instanceof MusterError && (error.code === "unavailable" || error.code === "rate_limited");

const isRepeatable = (source: ArtifactSource): boolean =>
  typeof source === "string" || source instanceof Uint8Array || typeof source === "function";

const streamOf = (source: ArtifactSource): AsyncIterable<Uint8Array> => {
  if (typeof source === "function") return source();
  if (typeof source === "string") return once(new TextEncoder().encode(source));
  return source instanceof Uint8Array ? once(source) : source;
};

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* measured(
  body: AsyncIterable<Uint8Array>,
  hash: Hash,
  onProgress: (bytes: number) => void = () => undefined,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    hash.update(chunk);
    bytes += chunk.byteLength;
    onProgress(bytes);
    yield chunk;
  }
}

const downloadOf = (artifact: Artifact, body: ArtifactContent, isWhole: boolean): ArtifactDownload => {
  const read = async function* () {
    const hash = createHash("sha256");
    yield* measured(body, hash);
    if (isWhole && hash.digest("hex") !== artifact.sha256) throw damaged(artifact.key);
  };
  const bytes = async (mostBytes = defaultMostBytes): Promise<Uint8Array> => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of read()) {
      size += chunk.byteLength;
      if (size > mostBytes) throw tooLarge(artifact.key, mostBytes);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  };
  return {
    artifact,
    [Symbol.asyncIterator]: read,
    bytes,
    text: async (mostBytes) => new TextDecoder().decode(await bytes(mostBytes)),
    cancel: () => body.cancel(),
  };
};

const damaged = (key: string): MusterError =>
  new MusterError("content_damaged", `What arrived of ${key} is not what was stored.`, {
    hint: "Fetch it again. Where that does not help, put it again from its source.",
  });

const tooLarge = (key: string, mostBytes: number): MusterError =>
  new MusterError("payload_too_large", `The artifact ${key} has more than ${mostBytes} bytes.`, {
    hint: "Read it as a stream, or allow for more.",
  });
