import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { ask, type Bucket } from "./bucket.ts";

export interface Listed {
  /** Without our prefix. */
  key: string;
  bytes: number;
  storedAt: number;
}

/** Objects below our prefix, in the order of their keys, that begin with `begin` and come behind `after`. */
export async function* listObjects(bucket: Bucket, begin: string, after: string): AsyncGenerator<Listed> {
  const { bucket: Bucket, prefix } = bucket.place;
  let ContinuationToken: string | undefined;
  do {
    const page = await ask(
      bucket,
      bucket.client.send(
        new ListObjectsV2Command({
          Bucket,
          Prefix: `${prefix}${begin}`,
          ...(after === "" ? {} : { StartAfter: `${prefix}${after}` }),
          ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
        }),
      ),
    );
    for (const { Key = "", Size = 0, LastModified } of page.Contents ?? []) {
      yield {
        key: Key.slice(prefix.length),
        bytes: Size,
        storedAt: Math.floor((LastModified?.getTime() ?? 0) / 1_000) * 1_000,
      };
    }
    ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (ContinuationToken !== undefined);
}

const ofKeys = /^[A-Za-z0-9._/-]+$/;

/** Only those that are blobs. What lies beside them sorts behind them all, so there the listing is over. */
export async function* listBlobs(bucket: Bucket, begin: string, after: string): AsyncGenerator<Listed> {
  for await (const listed of listObjects(bucket, begin, after)) {
    if (listed.key.startsWith("~")) return;
    if (ofKeys.test(listed.key)) yield listed;
  }
}
