import { Readable } from "node:stream";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bytesOf, sha256Of } from "../contracts/blob-content.ts";
import { type FakeS3, startFakeS3 } from "./start-fake-s3.ts";

// The fake is only worth what it refuses.
let fake: FakeS3;
beforeAll(async () => {
  fake = await startFakeS3();
});
afterAll(() => fake.close());

const place = { Bucket: "muster-test", Key: "some key/with ümlaut~()*!'" };
function client(config: Partial<S3ClientConfig> = {}): S3Client {
  const url = new URL(fake.url());
  const credentials = {
    accessKeyId: url.username,
    secretAccessKey: decodeURIComponent(url.password),
  };
  const { endpoint } = fake;
  return new S3Client({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials,
    maxAttempts: 1,
    ...config,
  });
}

test("takes what the SDK streams, in signed chunks with a checksum behind them, and gives it back", async () => {
  const s3 = client({ requestChecksumCalculation: "WHEN_SUPPORTED" });
  const content = bytesOf(1, 300_000);
  const Body = Readable.from([content.subarray(0, 100_000), content.subarray(100_000)]);
  await s3.send(new PutObjectCommand({ ...place, Body, ContentLength: content.length }));
  expect(fake.bucket.objects.get(place.Key)?.content.equals(content)).toBe(true);
  const { Body: got } = await s3.send(new GetObjectCommand({ ...place, Range: "bytes=10-19" }));
  expect(await got?.transformToByteArray()).toEqual(new Uint8Array(content.subarray(10, 20)));
});

test.each([
  ["a wrong MD5", { ContentMD5: "AAAAAAAAAAAAAAAAAAAAAA==" }, "BadDigest"],
  ["a wrong CRC", { ChecksumCRC32: "AAAAAA==" }, "BadDigest"],
  ["a wrong SHA-256", { ChecksumSHA256: Buffer.alloc(32).toString("base64") }, "BadDigest"],
  ["too much metadata", { Metadata: { x: "y".repeat(2_100) } }, "MetadataTooLarge"],
])("refuses %s", async (_, parameters, name) => {
  const put = client().send(new PutObjectCommand({ ...place, Body: "x", ...parameters }));
  await expect(put).rejects.toMatchObject({ name });
});

test("refuses what nobody signed, and what was changed after signing", async () => {
  const answer = await fetch(`${fake.endpoint}/muster-test?list-type=2`);
  expect(answer.status).toBe(403);
  expect(await answer.text()).toContain("<Code>AccessDenied</Code>");
  const s3 = client();
  const change = (change: (request: { headers: Record<string, string>; path: string }) => void) =>
    s3.middlewareStack.add(
      (next) => (args) => {
        change(args.request as { headers: Record<string, string>; path: string });
        return next(args);
      },
      { step: "finalizeRequest", priority: "low", name: "change", override: true },
    );
  change((request) => {
    request.path += "x";
  });
  const put = () => s3.send(new PutObjectCommand({ ...place, Body: "x" }));
  await expect(put()).rejects.toMatchObject({ name: "SignatureDoesNotMatch" });
  change((request) => {
    request.headers["x-amz-meta-more"] = "unsigned";
  });
  await expect(put()).rejects.toMatchObject({ name: "AccessDenied" });
});

test("refuses parts that are too small, unknown or out of order", async () => {
  const s3 = client();
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand(place));
  const upload = async (PartNumber: number, length: number) => {
    const part = { ...place, UploadId, PartNumber, Body: bytesOf(PartNumber, length) };
    return { PartNumber, ETag: (await s3.send(new UploadPartCommand(part))).ETag };
  };
  const [small, other] = [await upload(1, 100), await upload(2, 100)];
  const complete = (Parts: { PartNumber: number; ETag: string | undefined }[]) =>
    s3.send(new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts } }));
  await expect(complete([small, other])).rejects.toMatchObject({ name: "EntityTooSmall" });
  await expect(complete([other, small])).rejects.toMatchObject({ name: "InvalidPartOrder" });
  await expect(complete([{ PartNumber: 3, ETag: '"x"' }])).rejects.toMatchObject({ name: "InvalidPart" });
  await complete([other]);
  expect(sha256Of(fake.bucket.objects.get(place.Key)!.content)).toBe(sha256Of(bytesOf(2, 100)));
  await expect(complete([other])).rejects.toMatchObject({ name: "NoSuchUpload" });
});
