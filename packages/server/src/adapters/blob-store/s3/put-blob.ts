import { randomUUID } from "node:crypto";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { MusterError } from "@muster/sdk/protocol";
import type { BlobInfo, PutOptions } from "../../../ports/blob-store.ts";
import { checkPut } from "../check-key.ts";
import { type MeasuredBody, measureBody } from "../measured-body.ts";
import { ask, type Bucket, objectOf, withSignal } from "./bucket.ts";
import { cutIntoParts } from "./cut-into-parts.ts";
import { putMetadata, sumMetadata, writeSum } from "./sums.ts";

/** Parts on their way at once. With the one that is being filled, this is all that a put keeps in memory. */
const partsAtOnce = 2;
/** S3 takes no more. */
const mostParts = 10_000;

/** A small blob is one request. A large one is uploaded in parts, which become visible together or not at all. */
export async function putBlob(
  bucket: Bucket,
  key: string,
  body: AsyncIterable<Uint8Array>,
  options: PutOptions,
): Promise<BlobInfo> {
  const contentType = checkPut(options);
  const measured = measureBody(body, options);
  const parts = cutIntoParts(measured, bucket.partBytes);
  const put: Put = { bucket, key, contentType, measured, options };
  try {
    const first = (await parts.next()).value ?? Buffer.alloc(0);
    const content =
      first.byteLength < bucket.partBytes ? await putWhole(put, first) : await putInParts(put, first, parts);
    return { key, ...content, contentType, storedAt: Math.floor(Date.now() / 1_000) * 1_000 };
  } finally {
    await parts.return(undefined);
  }
}

interface Put {
  bucket: Bucket;
  key: string;
  contentType: string;
  measured: MeasuredBody;
  options: PutOptions;
}

async function putWhole({ bucket, key, contentType, measured, options: { signal } }: Put, content: Buffer) {
  const known = measured.finish();
  const put = new PutObjectCommand({
    ...objectOf(bucket, key),
    Body: content,
    ContentType: contentType,
    Metadata: { [sumMetadata]: known.sha256 },
  });
  await ask(bucket, bucket.client.send(put, withSignal(signal)), signal);
  return known;
}

async function putInParts(put: Put, first: Buffer, rest: AsyncGenerator<Buffer>) {
  const { bucket, key, measured, options } = put;
  const putId = randomUUID();
  const upload = await beginUpload(put, putId);
  try {
    const parts = await uploadParts(put, upload, first, rest);
    const known = measured.finish();
    options.signal?.throwIfAborted();
    await writeSum(bucket, key, putId, known.sha256);
    await complete(put, upload, putId, parts);
    return known;
  } catch (error) {
    const abort = new AbortMultipartUploadCommand(upload);
    // Where this fails as well, a sweep does it.
    await bucket.client.send(abort).catch(() => {});
    throw error;
  }
}

interface Upload {
  Bucket: string;
  Key: string;
  UploadId: string;
}

async function beginUpload({ bucket, key, contentType, options }: Put, putId: string): Promise<Upload> {
  const { signal } = options;
  const place = objectOf(bucket, key);
  const create = new CreateMultipartUploadCommand({
    ...place,
    ContentType: contentType,
    Metadata: { [putMetadata]: putId },
  });
  const { UploadId } = await ask(bucket, bucket.client.send(create, withSignal(signal)), signal);
  if (UploadId === undefined)
    throw new MusterError("unavailable", "S3 began an upload without a name for it.");
  return { ...place, UploadId };
}

interface Part {
  PartNumber: number;
  ETag: string | undefined;
}

/** Uploads parts as the body gives them, a few at once, and reads no further while these are on their way. */
async function uploadParts(
  { bucket, options: { signal } }: Put,
  upload: Upload,
  first: Buffer,
  rest: AsyncGenerator<Buffer>,
): Promise<Part[]> {
  const parts: Part[] = [];
  const underway = new Set<Promise<void>>();
  const failed = new AbortController();
  const abortSignal = signal === undefined ? failed.signal : AbortSignal.any([failed.signal, signal]);

  async function send(PartNumber: number, Body: Buffer): Promise<void> {
    try {
      const command = new UploadPartCommand({ ...upload, PartNumber, Body });
      const { ETag } = await ask(bucket, bucket.client.send(command, { abortSignal }), signal);
      parts[PartNumber - 1] = { PartNumber, ETag };
    } catch (error) {
      failed.abort(error);
    }
  }
  function begin(number: number, content: Buffer): void {
    if (number > mostParts) throw tooLarge(mostParts * bucket.partBytes);
    const sending = send(number, content).finally(() => underway.delete(sending));
    underway.add(sending);
  }

  try {
    let number = 1;
    begin(number, first);
    for await (const content of rest) {
      failed.signal.throwIfAborted();
      begin(++number, content);
      while (underway.size >= partsAtOnce) await Promise.race(underway);
    }
    await Promise.all(underway);
    failed.signal.throwIfAborted();
    return parts;
  } catch (error) {
    // An upload that still receives parts can't be called off for good.
    failed.abort(error);
    await Promise.all(underway);
    throw error;
  }
}

/**
 * From here on the put can't be called off. An answer that is lost leaves open whether the blob is there, and S3
 * refuses to complete an upload twice, so then the blob itself is asked whose it is.
 */
async function complete({ bucket, key }: Put, upload: Upload, putId: string, parts: Part[]): Promise<void> {
  try {
    await bucket.client.send(
      new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }),
    );
  } catch (error) {
    const head = new HeadObjectCommand(objectOf(bucket, key));
    const found = await bucket.client.send(head).catch(() => undefined);
    if (found?.Metadata?.[putMetadata] !== putId) await ask(bucket, Promise.reject(error));
  }
}

const tooLarge = (mostBytes: number): MusterError =>
  new MusterError("payload_too_large", `A blob in S3 has ${mostBytes} bytes at most.`);
