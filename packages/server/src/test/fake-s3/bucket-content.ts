import { createHash, randomUUID } from "node:crypto";
import { S3Refusal } from "./s3-refusal.ts";

export interface StoredObject {
  content: Buffer;
  etag: string;
  contentType: string;
  metadata: Readonly<Record<string, string>>;
  storedAt: number;
}

export interface StoredUpload {
  key: string;
  initiatedAt: number;
  contentType: string;
  metadata: Readonly<Record<string, string>>;
  parts: Map<number, { content: Buffer; etag: string }>;
}

/** What is in one bucket. */
export interface BucketContent {
  objects: Map<string, StoredObject>;
  uploads: Map<string, StoredUpload>;
}

const leastPartBytes = 5 * 1024 * 1024;
const mostParts = 10_000;

export const md5Of = (content: Uint8Array): string => createHash("md5").update(content).digest("hex");

export function beginUpload({ uploads }: BucketContent, upload: Omit<StoredUpload, "parts">): string {
  const id = randomUUID();
  uploads.set(id, { ...upload, parts: new Map() });
  return id;
}

export function findUpload({ uploads }: BucketContent, key: string, id: string): StoredUpload {
  const upload = uploads.get(id);
  if (upload?.key === key) return upload;
  throw new S3Refusal(
    404,
    "NoSuchUpload",
    "The upload does not exist. It may have been aborted or completed.",
  );
}

export function putPart(upload: StoredUpload, number: number, content: Buffer): string {
  if (!Number.isInteger(number) || number < 1 || number > mostParts) {
    throw new S3Refusal(400, "InvalidArgument", "Part number must be an integer between 1 and 10000.");
  }
  const etag = `"${md5Of(content)}"`;
  upload.parts.set(number, { content, etag });
  return etag;
}

/** Makes an object of the parts that the request names, each by number and ETag, in rising order. */
export function completeUpload(
  bucket: BucketContent,
  key: string,
  id: string,
  xml: string,
  now: number,
): StoredObject {
  const upload = findUpload(bucket, key, id);
  const named = [...xml.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = ""]) => ({
    number: Number(/<PartNumber>(\d+)<\/PartNumber>/.exec(part)?.[1]),
    etag: (/<ETag>(.*?)<\/ETag>/.exec(part)?.[1] ?? "").replaceAll("&quot;", '"'),
  }));
  if (named.length === 0)
    throw new S3Refusal(400, "MalformedXML", "The XML you provided was not well-formed.");
  if (named.some(({ number }, index) => index > 0 && number <= (named[index - 1]?.number ?? 0))) {
    throw new S3Refusal(400, "InvalidPartOrder", "The list of parts was not in ascending order.");
  }
  const parts = named.map(({ number, etag }, index) => {
    const part = upload.parts.get(number);
    if (part === undefined || part.etag.replaceAll('"', "") !== etag.replaceAll('"', "")) {
      throw new S3Refusal(400, "InvalidPart", "One or more of the specified parts could not be found.");
    }
    if (index < named.length - 1 && part.content.length < leastPartBytes) {
      throw new S3Refusal(
        400,
        "EntityTooSmall",
        "Your proposed upload is smaller than the minimum allowed size.",
      );
    }
    return part;
  });
  const sums = Buffer.concat(parts.map((part) => Buffer.from(part.etag.replaceAll('"', ""), "hex")));
  const stored = {
    content: Buffer.concat(parts.map((part) => part.content)),
    etag: `"${md5Of(sums)}-${parts.length}"`,
    contentType: upload.contentType,
    metadata: upload.metadata,
    storedAt: now,
  };
  bucket.objects.set(key, stored);
  bucket.uploads.delete(id);
  return stored;
}
