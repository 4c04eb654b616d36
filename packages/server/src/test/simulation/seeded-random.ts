import type { Random } from "../../ports/random.ts";

/**
 * The same numbers for the same seed, always. This is mulberry32 by Tommy Ettinger (public domain): 32 bits of
 * state, a period of 2^32 and quality good enough for simulations. Only the low 32 bits of the seed count.
 */
export function createSeededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = state;
      mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}
