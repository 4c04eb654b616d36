import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { crc32 } from "node:zlib";
import { S3Refusal } from "./s3-refusal.ts";
import { hmac, type Signed, sha256Hex } from "./verify-signature.ts";

/** S3 takes no larger part. */
const mostBytes = 5 * 1024 ** 3;
const emptyHash = sha256Hex("");

/** The content of a request, freed of its chunks, with every checksum checked that came with it. */
export async function readPayload(request: IncomingMessage, signed: Signed): Promise<Buffer> {
  const raw = await readAll(request);
  const kind = signed.payloadHash;
  let content = raw;
  let trailers: Record<string, string> = {};
  if (kind.startsWith("STREAMING-")) {
    ({ content, trailers } = decodeChunks(
      raw,
      kind === "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" ? signed : undefined,
    ));
    if (content.length !== Number(request.headers["x-amz-decoded-content-length"])) {
      throw new S3Refusal(400, "IncompleteBody", "The chunks are not as long as was announced.");
    }
  } else if (kind !== "UNSIGNED-PAYLOAD" && kind !== sha256Hex(raw)) {
    throw new S3Refusal(
      400,
      "XAmzContentSHA256Mismatch",
      "The x-amz-content-sha256 does not match the content.",
    );
  }
  checkSums(content, { ...request.headers, ...trailers });
  return content;
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const announced = lengthOf(request);
  if (Number.isNaN(announced))
    throw new S3Refusal(411, "MissingContentLength", "Content-Length is required.");
  if (announced > mostBytes) throw new S3Refusal(400, "EntityTooLarge", "The upload is too large.");
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks);
  if (request.headers["content-length"] !== undefined && raw.length !== announced)
    throw new S3Refusal(400, "IncompleteBody", "The body ended too early.");
  return raw;
}

/** What is sent in signed chunks may leave its whole length open, but not that of the content. */
function lengthOf(request: IncomingMessage): number {
  const { "content-length": length, "x-amz-decoded-content-length": decoded } = request.headers;
  return Number(length ?? decoded ?? (hasBody(request) ? Number.NaN : 0));
}

const hasBody = ({ method }: IncomingMessage): boolean => method === "PUT" || method === "POST";

/** `size[;chunk-signature=…]\r\ncontent\r\n`, a last chunk of no bytes, and trailers. Each signature follows from the one before. */
function decodeChunks(raw: Buffer, signed: Signed | undefined) {
  const chunks: Buffer[] = [];
  let before = signed?.signature ?? "";
  let at = 0;
  const line = (): string => {
    const end = raw.indexOf("\r\n", at);
    if (end < 0) throw new S3Refusal(400, "IncompleteBody", "A chunk has no end.");
    const text = raw.toString("latin1", at, end);
    at = end + 2;
    return text;
  };
  for (;;) {
    const [size = "", signature = ""] = line().split(";chunk-signature=");
    const length = Number.parseInt(size, 16);
    const chunk = raw.subarray(at, at + length);
    if (signed !== undefined) {
      const text = [
        "AWS4-HMAC-SHA256-PAYLOAD",
        signed.timestamp,
        signed.scope,
        before,
        emptyHash,
        sha256Hex(chunk),
      ];
      before = hmac(signed.signingKey, text.join("\n")).toString("hex");
      if (before !== signature)
        throw new S3Refusal(403, "SignatureDoesNotMatch", "A chunk is signed wrongly.");
    }
    if (length === 0) break;
    chunks.push(chunk);
    at += length;
    if (line() !== "") throw new S3Refusal(400, "IncompleteBody", "A chunk is longer than it says.");
  }
  const trailers: Record<string, string> = {};
  for (let text = line(); text !== ""; text = line()) {
    const colon = text.indexOf(":");
    trailers[text.slice(0, colon).toLowerCase()] = text.slice(colon + 1).trim();
  }
  return { content: Buffer.concat(chunks), trailers };
}

function checkSums(content: Buffer, headers: Readonly<Record<string, string | string[] | undefined>>): void {
  const sums: Record<string, () => string> = {
    "content-md5": () => createHash("md5").update(content).digest("base64"),
    "x-amz-checksum-sha256": () => createHash("sha256").update(content).digest("base64"),
    "x-amz-checksum-sha1": () => createHash("sha1").update(content).digest("base64"),
    "x-amz-checksum-crc32": () => {
      const sum = Buffer.alloc(4);
      sum.writeUInt32BE(crc32(content));
      return sum.toString("base64");
    },
  };
  for (const [name, sum] of Object.entries(sums)) {
    if (headers[name] === undefined || headers[name] === sum()) continue;
    throw new S3Refusal(400, "BadDigest", `The ${name} that you gave does not match what we received.`);
  }
}
