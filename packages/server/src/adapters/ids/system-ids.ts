import { createHash, randomBytes } from "node:crypto";
import { v7 } from "uuid";
import type { Ids } from "../../ports/ids.ts";

/** Bytes of a secret: 256 bits. */
const secretBytes = 32;

export function createSystemIds(): Ids {
  return {
    next: () => v7(),
    secret: () => randomBytes(secretBytes).toString("base64url"),
    fingerprint: sha256,
  };
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
