import { expect, it } from "vitest";
import type { Random } from "../../ports/random.ts";

/** What every source of chance must do. */
export function describeRandomContract(name: string, makeRandom: () => Random): void {
  it(`${name} gives numbers from 0 to below 1, spread evenly`, () => {
    const random = makeRandom();
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let i = 0; i < 20_000; i++) {
      const value = random.next();
      expect(value >= 0 && value < 1).toBe(true);
      const tenth = Math.floor(value * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    // Twelve standard deviations: not by chance.
    for (const count of tenths) expect(Math.abs(count - 2_000)).toBeLessThan(500);
  });
}
