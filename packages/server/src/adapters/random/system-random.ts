import type { Random } from "../../ports/random.ts";

export function createSystemRandom(): Random {
  return { next: () => Math.random() };
}
