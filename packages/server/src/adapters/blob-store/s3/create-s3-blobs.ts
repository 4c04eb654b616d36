import { randomUUID } from "node:crypto";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { MusterError } from "@muster/sdk/protocol";
import type { BlobEntry, BlobStore } from "../../../ports/blob-store.ts";
import type { Log } from "../../../ports/log.ts";
import { checkKey, checkListing } from "../check-key.ts";
import { defaultStaleMs, sweepRegularly } from "../sweep-regularly.ts";
import { ask, type Bucket, besideBlobs, objectOf } from "./bucket.ts";
import { getBlob, headBlob } from "./get-blob.ts";
import { listBlobs } from "./list-objects.ts";
import { putBlob } from "./put-blob.ts";
import { parseS3Url, type S3Place } from "./s3-url.ts";
import { sweepBucket } from "./sweep-bucket.ts";

export interface S3BlobsOptions {
  /** `s3://[key:secret@]bucket/prefix?endpoint=…&region=…&pathStyle=true`. The prefix is Muster's alone. */
  url: string;
  log: Pick<Log, "info" | "warn">;
  /** Uploads and sums of dead puts are removed when they are older than this; a day by default. */
  staleMs?: number;
  /** A connection on which nothing moves for this long is given up; a minute by default. */
  silenceMs?: number;
}

const connectMs = 5_000;
const defaultSilenceMs = 60_000;
/** Completing an upload of many parts takes a server its time. */
const answerMs = 120_000;
/** Of one request; what fails for good fails at once. */
const tries = 4;
const connections = 64;
const partBytes = 8 * 1024 * 1024;

/**
 * Blobs in a bucket of S3 or anything that speaks like it: one object each, under its key. Everything rests on two
 * things that every such server has: an object is replaced as a whole, and an upload in parts becomes visible as a
 * whole. Conditional requests only spare work where they are honoured.
 */
export async function createS3Blobs(options: S3BlobsOptions): Promise<BlobStore> {
  const { log, staleMs = defaultStaleMs } = options;
  const place = parseS3Url(options.url);
  const client = connect(place, options.silenceMs ?? defaultSilenceMs);
  const bucket: Bucket = { client, place, partBytes };
  await requireRegion(bucket);
  const sweep = () => sweepBucket(bucket, staleMs);
  const stopSweeping = sweepRegularly(sweep, log);

  return {
    async put(key, body, putOptions = {}) {
      checkKey(key);
      return putBlob(bucket, key, body, putOptions);
    },
    async get(key, getOptions = {}) {
      checkKey(key);
      return getBlob(bucket, key, getOptions);
    },
    async head(key) {
      checkKey(key);
      return headBlob(bucket, key);
    },
    async delete(key) {
      checkKey(key);
      await ask(bucket, client.send(new DeleteObjectCommand(objectOf(bucket, key))));
    },
    async list(prefix, listing) {
      const { after, limit } = checkListing(prefix, listing);
      const blobs: BlobEntry[] = [];
      for await (const blob of listBlobs(bucket, prefix, after)) {
        if (blobs.length === limit) return { blobs, next: blobs.at(-1)?.key ?? null };
        blobs.push(blob);
      }
      return { blobs, next: null };
    },
    sweep,
    check: () => check(bucket),
    async close() {
      await stopSweeping();
      client.destroy();
    },
  };
}

function connect({ endpoint, region, pathStyle, credentials }: S3Place, silenceMs: number): S3Client {
  return new S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
    forcePathStyle: pathStyle,
    maxAttempts: tries,
    // What goes beyond the S3 of old is not understood by every server; sums are our own affair.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: {
      connectionTimeout: connectMs,
      socketTimeout: silenceMs,
      requestTimeout: answerMs,
      throwOnRequestTimeout: true,
      httpAgent: { maxSockets: connections, keepAlive: true },
      httpsAgent: { maxSockets: connections, keepAlive: true },
    },
  });
}

/** Found out now and not at the first put. */
async function requireRegion({ client, place }: Bucket): Promise<void> {
  try {
    await client.config.region();
  } catch (cause) {
    client.destroy();
    throw new MusterError("unavailable", `The region of the bucket ${place.bucket} is not known.`, {
      hint: "Set region in S3_URL, or AWS_REGION.",
      cause,
    });
  }
}

async function check(bucket: Bucket): Promise<void> {
  const { client } = bucket;
  const probe = besideBlobs(bucket, `check/${randomUUID()}`);
  await ask(bucket, client.send(new PutObjectCommand({ ...probe, Body: "probe" })));
  const { Body } = await ask(bucket, client.send(new GetObjectCommand(probe)));
  await Body?.transformToString();
  await ask(bucket, client.send(new DeleteObjectCommand(probe)));
}
