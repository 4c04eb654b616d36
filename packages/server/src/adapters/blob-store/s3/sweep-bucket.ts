import {
  AbortMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
} from "@aws-sdk/client-s3";
import { ask, type Bucket, objectOf } from "./bucket.ts";
import { listBlobs, listObjects } from "./list-objects.ts";
import { isAbsent, isUploadGone } from "./s3-error.ts";
import { deleteSum, putMetadata } from "./sums.ts";

/** Calls off uploads and removes sums that belong to no blob, where they are older than `staleMs`. */
export async function sweepBucket(bucket: Bucket, staleMs: number): Promise<number> {
  const before = Date.now() - staleMs;
  return (await sweepUploads(bucket, before)) + (await sweepSums(bucket, before));
}

async function sweepUploads(bucket: Bucket, before: number): Promise<number> {
  const { bucket: Bucket, prefix: Prefix } = bucket.place;
  let removed = 0;
  let page: Partial<ListMultipartUploadsCommandOutput> = {};
  do {
    const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
    const list = new ListMultipartUploadsCommand({ Bucket, Prefix, KeyMarker, UploadIdMarker });
    page = await ask(bucket, bucket.client.send(list));
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (Initiated === undefined || Initiated.getTime() > before) continue;
      await abortUpload(bucket, { Bucket, Key, UploadId });
      removed++;
    }
  } while (page.IsTruncated === true);
  return removed;
}

async function abortUpload(
  bucket: Bucket,
  upload: { Bucket: string; Key: string | undefined; UploadId: string | undefined },
): Promise<void> {
  try {
    await bucket.client.send(new AbortMultipartUploadCommand(upload));
  } catch (error) {
    // Another node was faster.
    if (!isUploadGone(error) && !isAbsent(error)) await ask(bucket, Promise.reject(error));
  }
}

/**
 * Most sums belong to a blob, so blobs are not asked one by one: sums and blobs are listed side by side in the same
 * order, and only a blob with several sums is asked which is its own.
 */
async function sweepSums(bucket: Bucket, before: number): Promise<number> {
  const blobs = listBlobs(bucket, "", "");
  let removed = 0;
  let blob = await blobs.next();
  try {
    for await (const { key, sums } of sumsByKey(bucket)) {
      while (blob.done !== true && blob.value.key < key) blob = await blobs.next();
      const found = blob.done !== true && blob.value.key === key ? blob.value : undefined;
      // A blob that is smaller than a part was put whole and has no sum beside it.
      if (found !== undefined && sums.length === 1 && found.bytes >= bucket.partBytes) continue;
      const own = found === undefined ? undefined : await putOf(bucket, key);
      for (const { putId, storedAt } of sums) {
        if (putId === own || storedAt > before) continue;
        await deleteSum(bucket, key, putId);
        removed++;
      }
    }
  } finally {
    await blobs.return(undefined);
  }
  return removed;
}

interface SumsOfKey {
  key: string;
  sums: { putId: string; storedAt: number }[];
}

async function* sumsByKey(bucket: Bucket): AsyncGenerator<SumsOfKey> {
  let current: SumsOfKey | undefined;
  for await (const { key: name, storedAt } of listObjects(bucket, "~sums/", "")) {
    const [key = "", putId = ""] = name.slice("~sums/".length).split("!");
    if (current?.key !== key) {
      if (current !== undefined) yield current;
      current = { key, sums: [] };
    }
    current.sums.push({ putId, storedAt });
  }
  if (current !== undefined) yield current;
}

async function putOf(bucket: Bucket, key: string): Promise<string | undefined> {
  try {
    const found = await bucket.client.send(new HeadObjectCommand(objectOf(bucket, key)));
    return found.Metadata?.[putMetadata];
  } catch (error) {
    if (isAbsent(error)) return undefined;
    return ask(bucket, Promise.reject(error));
  }
}
