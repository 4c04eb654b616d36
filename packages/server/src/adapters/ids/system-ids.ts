import { createHash, randomBytes } from "node:crypto";
import { v7 } from "uuid";
import type { Ids } from "../../ports/ids.ts";

const secretBytes = 32;

/** SHA-256 in hex. Without salt or stretching, which a secret of 256 random bits does not need. */
export const fingerprintOf = (secret: string): string => createHash("sha256").update(secret).digest("hex");

/** Identity from the computer's clock and its source of cryptographic chance. */
export function createSystemIds(): Ids {
  return {
    /** Strictly increasing within this process, even within one millisecond or when the clock is set back. */
    next: () => v7(),
    secret: () => randomBytes(secretBytes).toString("base64url"),
    fingerprint: fingerprintOf,
  };
}
