import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { S3Refusal } from "./s3-refusal.ts";

export interface Secrets {
  region: string;
  /** Secrets by access key. */
  keys: Readonly<Record<string, string>>;
  now: () => number;
}

/** A request whose signature is right, with what is needed to check the signatures of its chunks. */
export interface Signed {
  signature: string;
  scope: string;
  timestamp: string;
  signingKey: Buffer;
  payloadHash: string;
}

const skewMs = 15 * 60_000;
const form =
  /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/(\d{8})\/([^/,]+)\/s3\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/;

export const hmac = (key: Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();
export const sha256Hex = (data: Uint8Array | string): string =>
  createHash("sha256").update(data).digest("hex");

/** Signature version 4, in the header. Throws what S3 answers when something about it is wrong. */
export function verifySignature(request: IncomingMessage, { region, keys, now }: Secrets): Signed {
  const { authorization } = request.headers;
  if (authorization === undefined) throw new S3Refusal(403, "AccessDenied", "Access Denied");
  const parts = form.exec(authorization);
  if (parts === null) throw malformed("The authorization header is malformed.");
  const [, accessKey = "", day = "", inRegion = "", signedHeaders = "", signature = ""] = parts;
  const secret = keys[accessKey];
  if (secret === undefined) {
    throw new S3Refusal(403, "InvalidAccessKeyId", "The access key is not in our records.");
  }
  if (inRegion !== region) {
    throw malformed(`The region '${inRegion}' is wrong; expecting '${region}'`, { Region: region });
  }
  const timestamp = header(request, "x-amz-date");
  checkTime(timestamp, day, now());
  const payloadHash = header(request, "x-amz-content-sha256");
  requireSigned(request, signedHeaders.split(";"));
  const scope = `${day}/${inRegion}/s3/aws4_request`;
  const canonical = canonicalRequest(request, signedHeaders, payloadHash);
  const signingKey = [day, inRegion, "s3", "aws4_request"].reduce(hmac, Buffer.from(`AWS4${secret}`));
  const expected = hmac(signingKey, ["AWS4-HMAC-SHA256", timestamp, scope, sha256Hex(canonical)].join("\n"));
  if (!timingSafeEqual(expected, Buffer.from(signature, "hex"))) {
    throw new S3Refusal(403, "SignatureDoesNotMatch", "The signature we calculated does not match yours.");
  }
  return { signature, scope, timestamp, signingKey, payloadHash };
}

function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  if (typeof value !== "string")
    throw new S3Refusal(400, "InvalidRequest", `Missing required header ${name}`);
  return value;
}

function checkTime(timestamp: string, day: string, now: number): void {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp) ?? [];
  const at = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
  if (Number.isNaN(at) || `${y}${mo}${d}` !== day) throw malformed("The date is malformed.");
  if (Math.abs(at - now) > skewMs) {
    throw new S3Refusal(
      403,
      "RequestTimeTooSkewed",
      "The difference between the request time and ours is too large.",
    );
  }
}

/** What is not signed could have been changed on the way. */
function requireSigned(request: IncomingMessage, signed: string[]): void {
  const needed = Object.keys(request.headers).filter((name) => name === "host" || name.startsWith("x-amz-"));
  const missing = needed.filter((name) => !signed.includes(name));
  if (missing.length > 0) throw new S3Refusal(403, "AccessDenied", `Headers are not signed: ${missing}`);
}

function canonicalRequest(request: IncomingMessage, signedHeaders: string, payloadHash: string): string {
  const [path = "", query = ""] = (request.url ?? "").split("?", 2);
  const pairs = query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => pair.split("=", 2).map((part) => encode(decodeURIComponent(part))))
    .map(([name, value = ""]) => `${name}=${value}`)
    .sort();
  const headers = signedHeaders.split(";").map(
    (name) =>
      `${name}:${String(request.headers[name] ?? "")
        .trim()
        .replace(/ +/g, " ")}\n`,
  );
  return [request.method, path, pairs.join("&"), headers.join(""), signedHeaders, payloadHash].join("\n");
}

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

const malformed = (message: string, details: Record<string, string> = {}): S3Refusal =>
  new S3Refusal(400, "AuthorizationHeaderMalformed", message, details);
