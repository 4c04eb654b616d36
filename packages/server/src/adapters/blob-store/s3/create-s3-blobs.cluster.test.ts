import {
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { describeBlobStoreContract } from "../../../test/contracts/blob-store.ts";
import { scratchBucket } from "../../../test/services.ts";
import { createS3Blobs } from "./create-s3-blobs.ts";

const log = { info() {}, warn() {} };

// The strict server of the other tests is ours, and may be wrong in the way in which we are. This one is somebody else's.
describeBlobStoreContract(
  "a real S3 server",
  async () => {
    const { url, name: Bucket, client, drop } = await scratchBucket("some/prefix");
    const store = await createS3Blobs({ url, log });
    return {
      store,
      async leftovers() {
        const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
        const { Contents = [] } = await client.send(
          new ListObjectsV2Command({ Bucket, Prefix: "some/prefix/~" }),
        );
        return Uploads.length + Contents.filter(({ Key }) => !Key!.includes("~sums/")).length;
      },
      async tamper(key, change) {
        const place = { Bucket, Key: `some/prefix/${key}` };
        const { Body, Metadata } = await client.send(new GetObjectCommand(place));
        const content = Buffer.from(await Body!.transformToByteArray());
        await client.send(new PutObjectCommand({ ...place, Metadata, Body: change(content) }));
      },
      drop,
    };
  },
  { runs: 10 },
);
