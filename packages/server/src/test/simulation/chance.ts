import type { Random } from "../../ports/random.ts";

/** Decisions of a simulation, all from one seeded source. */
export interface Chance {
  /** True with this probability. */
  is(probability: number): boolean;
  /** A whole number, both ends included. */
  int(min: number, max: number): number;
  pick<T>(items: readonly T[]): T;
  /** One of the keys, each as likely as its weight says. */
  weighted<K extends string>(weights: Record<K, number>): K;
}

export function createChance(random: Random): Chance {
  const int = (min: number, max: number): number => min + Math.floor(random.next() * (max - min + 1));
  return {
    is: (probability) => random.next() < probability,
    int,
    pick: (items) => items[int(0, items.length - 1)]!,
    weighted(weights) {
      const entries = Object.entries(weights) as [keyof typeof weights, number][];
      let left = random.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [key, weight] of entries) {
        left -= weight;
        if (left < 0) return key;
      }
      return entries.at(-1)![0];
    },
  };
}
