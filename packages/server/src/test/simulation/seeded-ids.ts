import { v7 } from "uuid";
import { fingerprintOf } from "../../adapters/ids/system-ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Random } from "../../ports/random.ts";

/**
 * Identity that is the same in every run of a simulation: valid UUIDs of version 7 from its time and its
 * chance, strictly increasing in the order of making. The secrets are as guessable as the seed.
 */
export function createSeededIds(clock: Pick<Clock, "now">, random: Random): Ids {
  let latestMs = Number.NEGATIVE_INFINITY;
  let counter = 0;

  const randomBytes = (count: number): Uint8Array =>
    Uint8Array.from({ length: count }, () => Math.floor(random.next() * 256));

  return {
    next() {
      const now = Math.floor(clock.now());
      counter = now > latestMs ? 0 : counter + 1;
      latestMs = Math.max(latestMs, now);
      return v7({ msecs: latestMs, seq: counter, random: randomBytes(16) });
    },
    secret: () => Buffer.from(randomBytes(32)).toString("base64url"),
    fingerprint: fingerprintOf,
  };
}
