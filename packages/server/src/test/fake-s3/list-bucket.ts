import type { BucketContent } from "./bucket-content.ts";
import { S3Refusal, toXml } from "./s3-refusal.ts";

const byKey = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

function limitOf(text: string | null, most: number): number {
  const limit = Number(text ?? most);
  if (!Number.isInteger(limit) || limit < 0)
    throw new S3Refusal(400, "InvalidArgument", "max-keys is no number.");
  return Math.min(limit, most);
}

/** `GET /bucket?list-type=2`: in the order of UTF-8, `pageKeys` at most per page. */
export function listObjectsXml(
  name: string,
  { objects }: BucketContent,
  query: URLSearchParams,
  pageKeys: number,
): string {
  const prefix = query.get("prefix") ?? "";
  const token = query.get("continuation-token");
  const after =
    token === null ? (query.get("start-after") ?? "") : Buffer.from(token, "base64url").toString();
  const limit = limitOf(query.get("max-keys"), pageKeys);
  const keys = [...objects.keys()]
    .filter((key) => key.startsWith(prefix) && (after === "" || byKey(key, after) > 0))
    .sort(byKey);
  const page = keys.slice(0, limit);
  const isTruncated = keys.length > page.length;
  const encode = query.get("encoding-type") === "url" ? encodeURIComponent : (key: string) => key;
  return toXml("ListBucketResult", {
    Name: name,
    Prefix: encode(prefix),
    KeyCount: page.length,
    MaxKeys: limit,
    IsTruncated: isTruncated,
    EncodingType: query.get("encoding-type") ?? undefined,
    NextContinuationToken: isTruncated ? Buffer.from(page.at(-1) ?? "").toString("base64url") : undefined,
    Contents: page.map((key) => {
      const { content, etag, storedAt } = objects.get(key)!;
      return {
        Key: encode(key),
        LastModified: new Date(storedAt).toISOString(),
        ETag: etag,
        Size: content.length,
        StorageClass: "STANDARD",
      };
    }),
  });
}

/** `GET /bucket?uploads`: by key, then by time. */
export function listUploadsXml(
  name: string,
  { uploads }: BucketContent,
  query: URLSearchParams,
  pageKeys: number,
): string {
  const prefix = query.get("prefix") ?? "";
  const [keyMarker, idMarker] = [query.get("key-marker") ?? "", query.get("upload-id-marker") ?? ""];
  const all = [...uploads]
    .filter(([, { key }]) => key.startsWith(prefix))
    .sort(([idA, a], [idB, b]) => byKey(a.key, b.key) || byKey(idA, idB))
    .filter(([id, { key }]) => {
      const order = byKey(key, keyMarker);
      return keyMarker === "" || order > 0 || (order === 0 && idMarker !== "" && byKey(id, idMarker) > 0);
    });
  const page = all.slice(0, limitOf(query.get("max-uploads"), pageKeys));
  const last = page.at(-1);
  const isTruncated = all.length > page.length;
  return toXml("ListMultipartUploadsResult", {
    Bucket: name,
    Prefix: prefix,
    IsTruncated: isTruncated,
    NextKeyMarker: isTruncated ? last?.[1].key : undefined,
    NextUploadIdMarker: isTruncated ? last?.[0] : undefined,
    Upload: page.map(([UploadId, { key, initiatedAt }]) => ({
      Key: key,
      UploadId,
      Initiated: new Date(initiatedAt).toISOString(),
    })),
  });
}
