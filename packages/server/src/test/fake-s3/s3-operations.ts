import type { IncomingHttpHeaders } from "node:http";
import {
  type BucketContent,
  beginUpload,
  completeUpload,
  findUpload,
  md5Of,
  putPart,
  type StoredObject,
} from "./bucket-content.ts";
import { listObjectsXml, listUploadsXml } from "./list-bucket.ts";
import { S3Refusal, toXml } from "./s3-refusal.ts";

export interface S3Call {
  bucketName: string;
  bucket: BucketContent;
  key: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  content: Buffer;
  now: number;
  pageKeys: number;
  /** Some servers take conditions and do not look at them. */
  honoursConditions: boolean;
}

export interface S3Answer {
  status: number;
  headers: Record<string, string | number>;
  body: Buffer;
}

export type S3Operation = keyof typeof operations;

/** Which operation a request asks for, by its method and query, as S3 decides it. */
export function operationOf(method: string, key: string, query: URLSearchParams): S3Operation {
  const kinds = key === "" ? bucketOperations : objectOperations;
  const found = kinds.find(([m, parameter]) => m === method && (parameter === "" || query.has(parameter)));
  if (found === undefined) throw new S3Refusal(501, "NotImplemented", `${method} is not implemented here.`);
  return found[2];
}

const bucketOperations: [string, string, S3Operation][] = [
  ["GET", "uploads", "ListMultipartUploads"],
  ["GET", "list-type", "ListObjectsV2"],
];
const objectOperations: [string, string, S3Operation][] = [
  ["POST", "uploads", "CreateMultipartUpload"],
  ["PUT", "partNumber", "UploadPart"],
  ["POST", "uploadId", "CompleteMultipartUpload"],
  ["DELETE", "uploadId", "AbortMultipartUpload"],
  ["PUT", "", "PutObject"],
  ["GET", "", "GetObject"],
  ["HEAD", "", "HeadObject"],
  ["DELETE", "", "DeleteObject"],
];

/** Operations that write look at the query for nothing but what S3 knows. */
export const operations = {
  PutObject: (call: S3Call): S3Answer => {
    const { bucket, key, headers, content, now } = call;
    checkWriteConditions(call);
    const etag = `"${md5Of(content)}"`;
    bucket.objects.set(key, { content, etag, ...describedBy(headers), storedAt: now });
    return answer(200, { etag });
  },
  GetObject: (call: S3Call): S3Answer => getObject(call),
  HeadObject: (call: S3Call): S3Answer => getObject(call),
  DeleteObject: ({ bucket, key }: S3Call): S3Answer => {
    bucket.objects.delete(key);
    return answer(204);
  },
  ListObjectsV2: ({ bucketName, bucket, query, pageKeys }: S3Call): S3Answer =>
    xmlAnswer(listObjectsXml(bucketName, bucket, query, pageKeys)),
  ListMultipartUploads: ({ bucketName, bucket, query, pageKeys }: S3Call): S3Answer =>
    xmlAnswer(listUploadsXml(bucketName, bucket, query, pageKeys)),
  CreateMultipartUpload: ({ bucketName, bucket, key, headers, now }: S3Call): S3Answer => {
    const UploadId = beginUpload(bucket, { key, initiatedAt: now, ...describedBy(headers) });
    return xmlAnswer(toXml("InitiateMultipartUploadResult", { Bucket: bucketName, Key: key, UploadId }));
  },
  UploadPart: ({ bucket, key, query, content }: S3Call): S3Answer => {
    const upload = findUpload(bucket, key, query.get("uploadId") ?? "");
    return answer(200, { etag: putPart(upload, Number(query.get("partNumber")), content) });
  },
  CompleteMultipartUpload: (call: S3Call): S3Answer => {
    const { bucketName, bucket, key, query, content, now } = call;
    checkWriteConditions(call);
    const { etag } = completeUpload(bucket, key, query.get("uploadId") ?? "", content.toString(), now);
    return xmlAnswer(toXml("CompleteMultipartUploadResult", { Bucket: bucketName, Key: key, ETag: etag }));
  },
  AbortMultipartUpload: ({ bucket, key, query }: S3Call): S3Answer => {
    const id = query.get("uploadId") ?? "";
    findUpload(bucket, key, id);
    bucket.uploads.delete(id);
    return answer(204);
  },
} satisfies Record<string, (call: S3Call) => S3Answer>;

const answer = (
  status: number,
  headers: S3Answer["headers"] = {},
  body: Buffer = Buffer.alloc(0),
): S3Answer => ({
  status,
  headers,
  body,
});
const xmlAnswer = (xml: string): S3Answer =>
  answer(200, { "content-type": "application/xml" }, Buffer.from(xml));

function describedBy(headers: IncomingHttpHeaders): Pick<StoredObject, "contentType" | "metadata"> {
  const metadata = Object.entries(headers).flatMap(([name, value]) =>
    name.startsWith("x-amz-meta-") ? [[name.slice("x-amz-meta-".length), String(value)]] : [],
  );
  const bytes = metadata.flat().join("").length;
  if (bytes > 2_048) throw new S3Refusal(400, "MetadataTooLarge", "Your metadata headers exceed the limit.");
  return {
    contentType: headers["content-type"] ?? "binary/octet-stream",
    metadata: Object.fromEntries(metadata),
  };
}

function checkWriteConditions({ bucket, key, headers, honoursConditions }: S3Call): void {
  if (!honoursConditions) return;
  const etag = bucket.objects.get(key)?.etag;
  const mustBe = headers["if-match"];
  const isWrong = mustBe !== undefined && mustBe !== etag;
  const isThere = headers["if-none-match"] === "*" && etag !== undefined;
  if (isWrong || isThere) throw new S3Refusal(412, "PreconditionFailed", "A precondition did not hold.");
}

function getObject({ bucket, key, headers, honoursConditions }: S3Call): S3Answer {
  const found = bucket.objects.get(key);
  if (found === undefined)
    throw new S3Refusal(404, "NoSuchKey", "The specified key does not exist.", { Key: key });
  const wanted = headers["if-match"];
  if (honoursConditions && wanted !== undefined && wanted !== found.etag) {
    throw new S3Refusal(412, "PreconditionFailed", "A precondition did not hold.");
  }
  const metadata = Object.entries(found.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]);
  const described = {
    ...Object.fromEntries(metadata),
    "content-type": found.contentType,
    etag: found.etag,
    "last-modified": new Date(found.storedAt).toUTCString(),
    "accept-ranges": "bytes",
  };
  if (headers.range === undefined) return answer(200, described, found.content);
  const total = found.content.length;
  const [, first = "", last = ""] = /^bytes=(\d+)-(\d*)$/.exec(headers.range) ?? [];
  const [start, end] = [Number(first), Math.min(total - 1, last === "" ? total : Number(last))];
  if (first === "" || start >= total || start > end) {
    throw new S3Refusal(416, "InvalidRange", "The requested range is not satisfiable");
  }
  const range = { "content-range": `bytes ${start}-${end}/${total}` };
  return answer(206, { ...described, ...range }, found.content.subarray(start, end + 1));
}
