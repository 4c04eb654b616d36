import { describeBlobStoreContract } from "../../../test/contracts/blob-store.ts";
import { startFakeS3 } from "../../../test/fake-s3/start-fake-s3.ts";
import { createS3Blobs } from "./create-s3-blobs.ts";

const log = { info() {}, warn() {} };

describeBlobStoreContract("a strict S3 server", async () => {
  const fake = await startFakeS3({ pageKeys: 7 });
  const store = await createS3Blobs({ url: fake.url("some/prefix"), log });
  return {
    store,
    async leftovers() {
      const others = [...fake.bucket.objects.keys()].filter((key) => key.startsWith("some/prefix/~"));
      return fake.bucket.uploads.size + others.filter((key) => !key.includes("~sums/")).length;
    },
    async tamper(key, change) {
      const object = fake.bucket.objects.get(`some/prefix/${key}`)!;
      object.content = change(object.content);
    },
    drop: () => fake.close(),
  };
});
