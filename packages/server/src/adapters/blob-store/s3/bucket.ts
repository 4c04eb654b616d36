import type { S3Client } from "@aws-sdk/client-s3";
import { toMusterError } from "./s3-error.ts";
import type { S3Place } from "./s3-url.ts";

/** What every operation needs. */
export interface Bucket {
  client: S3Client;
  place: S3Place;
  /** Bytes of each part of a large blob but the last; smaller blobs are put whole. */
  partBytes: number;
}

/** Where a blob is. Its content is an object of its own, so that other tools can use it as it stands. */
export const objectOf = ({ place }: Bucket, key: string) => ({
  Bucket: place.bucket,
  Key: `${place.prefix}${key}`,
});

/** A name of ours that is no blob: `~` is no character of keys and sorts behind all that are. */
export const besideBlobs = ({ place }: Bucket, name: string) => ({
  Bucket: place.bucket,
  Key: `${place.prefix}~${name}`,
});

/** Waits for an answer of S3. What it refuses becomes a `MusterError`; an abort, the reason of the signal. */
export async function ask<T>({ place }: Bucket, answer: Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    signal?.throwIfAborted();
    throw toMusterError(error, place);
  }
}

export const withSignal = (signal: AbortSignal | undefined) =>
  signal === undefined ? {} : { abortSignal: signal };
