import { MusterError } from "@muster/sdk/protocol";
import type { PutOptions } from "../../ports/blob-store.ts";

const keyCharacters = 700;
const segmentCharacters = 120;
const mostPerPage = 1_000;
const segment = /^[A-Za-z0-9._-]+$/;

/** Refuses a key that the port does not allow. Stores rely on it: no key can name anything outside of their place. */
export function checkKey(key: string): void {
  const fault = faultOf(key);
  if (fault === undefined) return;
  throw new MusterError("invalid_request", `This is no key for a blob: it ${fault}.`, {
    hint: `Use up to ${keyCharacters} letters, digits, dots, hyphens and underscores, in segments of up to ${segmentCharacters} between slashes.`,
  });
}

function faultOf(key: string): string | undefined {
  if (typeof key !== "string" || key === "") return "is empty";
  if (key.length > keyCharacters) return `has more than ${keyCharacters} characters`;
  for (const part of key.split("/")) {
    if (part === "" || part === "." || part === "..") return `has the segment "${part}"`;
    if (part.length > segmentCharacters) return `has a segment of more than ${segmentCharacters} characters`;
    if (!segment.test(part)) return "has a character that is not allowed";
  }
  return undefined;
}

/** Where a listing begins and how far it goes. A prefix is the beginning of keys: it may end anywhere in a segment. */
export function checkListing(
  prefix: string,
  { after = "", limit = mostPerPage }: { after?: string; limit?: number } = {},
): { after: string; limit: number } {
  for (const text of [prefix, after]) {
    if (/^[A-Za-z0-9._/-]*$/.test(text) && text.length <= keyCharacters) continue;
    throw new MusterError("invalid_request", "No key begins like this, so nothing can be listed by it.");
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > mostPerPage) {
    throw new MusterError("invalid_request", `A page has 1 to ${mostPerPage} blobs, not ${limit}.`);
  }
  return { after, limit };
}

/** The content type of a put, and the sum that its content must have. */
export function checkPut({ contentType = "application/octet-stream", sha256 }: PutOptions): string {
  if (!/^[\x20-\x7e]{1,255}$/.test(contentType)) {
    throw new MusterError(
      "invalid_request",
      "The content type is not a text of 1 to 255 printable characters.",
    );
  }
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new MusterError("invalid_request", "The SHA-256 is not 64 hexadecimal digits in lower case.");
  }
  return contentType;
}

export const notFound = (key: string): MusterError =>
  new MusterError("not_found", `There is no blob ${key}.`);
