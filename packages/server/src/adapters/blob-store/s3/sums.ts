import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { ask, type Bucket, besideBlobs } from "./bucket.ts";
import { isAbsent } from "./s3-error.ts";

/*
 * The sum of a blob belongs into the metadata of its object, but S3 wants metadata before the content, and of a
 * large blob the sum is known after it. Copying the object onto itself would move every byte twice, and a local
 * copy would need as much disk. So a large blob names its put in the metadata, and the sum lies beside, under the
 * name of that put. It is written when all parts are there and before the upload is completed, which makes the
 * blob visible: whoever sees the blob finds its sum. No put ever touches the sum of another. The sum of a blob that
 * was replaced or deleted, or never came to be, is removed by a sweep.
 */

/** Metadata: the put that made a large blob, and the sum of a small one. */
export const putMetadata = "muster-put";
export const sumMetadata = "muster-sha256";

/** Sorts as the keys do, since `!` comes before all of their characters. */
const sumName = (key: string, putId: string): string => `sums/${key}!${putId}`;

export async function writeSum(bucket: Bucket, key: string, putId: string, sha256: string): Promise<void> {
  const put = new PutObjectCommand({ ...besideBlobs(bucket, sumName(key, putId)), Body: sha256 });
  await ask(bucket, bucket.client.send(put));
}

/** Undefined where it is not there any more. */
export async function readSum(bucket: Bucket, key: string, putId: string): Promise<string | undefined> {
  const get = new GetObjectCommand(besideBlobs(bucket, sumName(key, putId)));
  try {
    const { Body } = await bucket.client.send(get);
    return await Body?.transformToString();
  } catch (error) {
    if (isAbsent(error)) return undefined;
    return ask(bucket, Promise.reject(error));
  }
}

export async function deleteSum(bucket: Bucket, key: string, putId: string): Promise<void> {
  const remove = new DeleteObjectCommand(besideBlobs(bucket, sumName(key, putId)));
  await ask(bucket, bucket.client.send(remove));
}
