/** Makes the first places of a search less different from each other; the constant of the method's authors. */
const smoothing = 60;

export interface Fused {
  id: string;
  score: number;
  /** From 1; null: that search did not find it. */
  ranks: (number | null)[];
}

/**
 * Joins searches by reciprocal rank fusion: what stands far in front in one of them, or in several, comes first.
 * It needs no scores that could be compared. Equal scores keep the order of the first search that found one of both.
 */
export function fuseRanks(searches: readonly (readonly string[])[], most: number): Fused[] {
  const found = new Map<string, Fused>();
  for (const [index, ids] of searches.entries()) {
    for (const [place, id] of ids.entries()) {
      const known = found.get(id) ?? { id, score: 0, ranks: searches.map(() => null) };
      known.ranks[index] = place + 1;
      known.score += 1 / (smoothing + place + 1);
      found.set(id, known);
    }
  }
  // Sorting is stable, and the map is in the order of finding.
  return [...found.values()].sort((one, other) => other.score - one.score).slice(0, most);
}
