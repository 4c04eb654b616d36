import { createHash, randomBytes, randomFillSync } from "node:crypto";
import { v7 } from "uuid";
import type { Ids } from "../../ports/ids.ts";

const secretBytes = 32;
const idBytes = 16;
/** Random bytes fetched at once: asking for those of one id alone costs ten times as much as all else about it. */
const poolBytes = 256 * idBytes;

/** SHA-256 in hex. Without salt or stretching, which a secret of 256 random bits does not need. */
export const fingerprintOf = (secret: string): string => createHash("sha256").update(secret).digest("hex");

const pool = new Uint8Array(poolBytes);
let used = poolBytes;
let latestMs = Number.NEGATIVE_INFINITY;
let sequence = 0;

function chance(): Uint8Array {
  if (used === poolBytes) {
    randomFillSync(pool);
    used = 0;
  }
  used += idBytes;
  return pool.subarray(used - idBytes, used);
}

/**
 * A UUID of version 7: the time, a sequence that begins anywhere in each millisecond and counts up within it, and 42
 * random bits. One sequence serves the whole process.
 */
function nextId(): string {
  const random = chance();
  const now = Date.now();
  if (now > latestMs) {
    latestMs = now;
    sequence = new DataView(random.buffer, random.byteOffset).getInt32(0) & 0x7fffffff;
  } else {
    sequence = (sequence + 1) | 0;
    if (sequence === 0) latestMs += 1;
  }
  return v7({ random, msecs: latestMs, seq: sequence });
}

/** Identity from the computer's clock and its source of cryptographic chance. */
export function createSystemIds(): Ids {
  return {
    /** Strictly increasing within this process, even within one millisecond or when the clock is set back. */
    next: nextId,
    secret: () => randomBytes(secretBytes).toString("base64url"),
    fingerprint: fingerprintOf,
  };
}
