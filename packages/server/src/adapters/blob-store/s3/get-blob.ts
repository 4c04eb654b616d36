import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { GetObjectCommand, type GetObjectCommandOutput, HeadObjectCommand } from "@aws-sdk/client-s3";
import { MusterError } from "@muster/sdk/protocol";
import type { Blob, BlobInfo, GetOptions } from "../../../ports/blob-store.ts";
import { notFound } from "../check-key.ts";
import { damaged, plainBody, verifiedBody } from "../verified-body.ts";
import { ask, type Bucket, objectOf, withSignal } from "./bucket.ts";
import { isAbsent, isOutOfRange } from "./s3-error.ts";
import { putMetadata, readSum, sumMetadata } from "./sums.ts";

/** A blob that is replaced while its sum is looked up is looked up again, this often. */
const mostLooks = 5;
/** Broken connections in a row without a byte between them. */
const mostResumes = 5;
const firstPauseMs = 50;

export async function getBlob(bucket: Bucket, key: string, options: GetOptions): Promise<Blob> {
  for (let looks = 1; ; looks++) {
    const answer = await open(bucket, key, options);
    if (answer === undefined) return emptyPart(bucket, key);
    const info = await infoOf(bucket, key, answer).catch((error) => {
      release(answer);
      throw error;
    });
    if (info !== undefined) return { info, body: bodyOf(bucket, info, answer, options) };
    release(answer);
    if (looks === mostLooks) throw damaged(key);
  }
}

export async function headBlob(bucket: Bucket, key: string): Promise<BlobInfo | null> {
  for (let looks = 1; looks <= mostLooks; looks++) {
    try {
      const answer = await bucket.client.send(new HeadObjectCommand(objectOf(bucket, key)));
      const info = await infoOf(bucket, key, answer);
      if (info !== undefined) return info;
    } catch (error) {
      if (isAbsent(error)) return null;
      return ask(bucket, Promise.reject(error));
    }
  }
  throw damaged(key);
}

type Answer = Pick<
  GetObjectCommandOutput,
  "ContentLength" | "ContentRange" | "ContentType" | "LastModified" | "Metadata" | "ETag" | "Body"
>;

/** Undefined where the blob is there and the wanted part begins behind its end. */
async function open(bucket: Bucket, key: string, { range, signal }: GetOptions): Promise<Answer | undefined> {
  const wanted = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` };
  const get = new GetObjectCommand({ ...objectOf(bucket, key), ...wanted });
  try {
    return guarded(await bucket.client.send(get, withSignal(signal)));
  } catch (error) {
    if (isAbsent(error)) throw notFound(key);
    if (isOutOfRange(error)) return undefined;
    return ask(bucket, Promise.reject(error), signal);
  }
}

async function emptyPart(bucket: Bucket, key: string): Promise<Blob> {
  const info = await headBlob(bucket, key);
  if (info === null) throw notFound(key);
  return { info, body: plainBody({ async *read() {}, release: async () => {} }) };
}

/** Undefined where the sum is not there: the blob was replaced a while ago, or somebody removed it. */
async function infoOf(bucket: Bucket, key: string, answer: Answer): Promise<BlobInfo | undefined> {
  const { ContentRange, ContentLength, ContentType, LastModified, Metadata = {} } = answer;
  const putId = Metadata[putMetadata];
  let sha256 = Metadata[sumMetadata];
  if (sha256 === undefined && putId !== undefined) sha256 = await readSum(bucket, key, putId);
  if (sha256 === undefined) return undefined;
  return {
    key,
    bytes: Number(/\/(\d+)$/.exec(ContentRange ?? "")?.[1] ?? ContentLength ?? 0),
    sha256,
    contentType: ContentType ?? "application/octet-stream",
    storedAt: Math.floor((LastModified?.getTime() ?? 0) / 1_000) * 1_000,
  };
}

function bodyOf(bucket: Bucket, info: BlobInfo, answer: Answer, { range, signal }: GetOptions) {
  const reader = createReader(bucket, info, answer, {
    start: range?.start ?? 0,
    end: Math.min(info.bytes - 1, range?.end ?? info.bytes),
    signal,
  });
  return range === undefined ? verifiedBody(info, reader) : plainBody(reader);
}

/** Reads on where a connection broke, as long as the blob is still the same. */
function createReader(
  bucket: Bucket,
  { key }: BlobInfo,
  first: Answer,
  { start, end, signal }: { start: number; end: number; signal: AbortSignal | undefined },
) {
  let answer = first;
  const abort = () => release(answer);
  signal?.addEventListener("abort", abort, { once: true });

  async function resume(position: number): Promise<void> {
    const wanted = { Range: `bytes=${position}-${end}`, IfMatch: first.ETag };
    const get = new GetObjectCommand({ ...objectOf(bucket, key), ...wanted });
    answer = guarded(await ask(bucket, bucket.client.send(get, withSignal(signal)), signal));
    // Not every server honours the condition.
    if (answer.ETag !== first.ETag) throw replaced(key);
  }

  return {
    async *read(): AsyncGenerator<Uint8Array> {
      let position = start;
      for (let failures = 0; position <= end; ) {
        try {
          for await (const chunk of answer.Body as Readable) {
            failures = 0;
            position += chunk.length;
            yield chunk;
          }
          if (position > end) return;
          throw new Error("The connection ended before the content did.");
        } catch (error) {
          signal?.throwIfAborted();
          if (++failures > mostResumes) await ask(bucket, Promise.reject(error));
        }
        await delay(firstPauseMs * 2 ** failures, undefined, { ...(signal && { signal }) });
        await resume(position);
      }
    },
    async release() {
      signal?.removeEventListener("abort", abort);
      release(answer);
    },
  };
}

/** A connection may break while nobody reads from it. Whoever reads next finds out. */
function guarded<T extends Answer>(answer: T): T {
  (answer.Body as Readable | undefined)?.on("error", () => {});
  return answer;
}

const release = ({ Body }: Answer): void => void (Body as Readable | undefined)?.destroy();

const replaced = (key: string): MusterError =>
  new MusterError(
    "unavailable",
    `The connection broke while ${key} was read, and it was replaced meanwhile.`,
    {
      hint: "Read it again from its beginning.",
    },
  );
