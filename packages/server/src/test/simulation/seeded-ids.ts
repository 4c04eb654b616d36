import { sha256 } from "../../adapters/ids/system-ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Random } from "../../ports/random.ts";

/** Identity that repeats: UUIDs of version 7 by the simulated time, counted up so that they sort by their making. */
export function createSeededIds(random: Random, clock: Pick<Clock, "now">): Ids {
  let lastMs = 0;
  let counter = 0;
  const hex = (digits: number): string => {
    let text = "";
    while (text.length < digits) text += Math.floor(random.next() * 16).toString(16);
    return text;
  };
  return {
    next() {
      const now = Math.max(clock.now(), lastMs);
      counter = now === lastMs ? counter + 1 : 0;
      // The counter has 12 bits. When they are used up, time is taken to be a millisecond later.
      lastMs = counter > 0xfff ? now + 1 : now;
      counter &= 0xfff;
      const time = lastMs.toString(16).padStart(12, "0");
      const variant = (8 + Math.floor(random.next() * 4)).toString(16);
      const sequence = counter.toString(16).padStart(3, "0");
      return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence}-${variant}${hex(3)}-${hex(12)}`;
    },
    secret: () => Buffer.from(hex(64), "hex").toString("base64url"),
    fingerprint: sha256,
  };
}
