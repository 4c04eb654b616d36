/** The candidate that somebody who typed `name` most likely meant, if any is close enough. */
export function closestName(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > 64) return undefined;
  const typed = normalize(name);
  let best: string | undefined;
  // In a name of one or two letters one slip is the whole name.
  const slips = typed.length < 3 ? 0 : Math.max(1, Math.floor(typed.length / 3));
  let bestDistance = slips + 1;
  for (const candidate of candidates) {
    if (candidate.length > 128) continue;
    const distance = editDistance(typed, normalize(candidate), bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `did you mean "x"?` for the closest candidate, otherwise `fallback`. */
export function didYouMean(name: string, candidates: Iterable<string>, fallback?: string) {
  const closest = closestName(name, candidates);
  return closest === undefined ? fallback : `did you mean "${closest}"?`;
}

/** Case and the choice between `-`, `_` and nothing are the most usual slips, and cost nothing. */
const normalize = (name: string) => name.toLowerCase().replaceAll(/[-_ ]/g, "");

/** Damerau-Levenshtein distance (neighbours swapped count once); any number ≥ `bound` means "too far". */
function editDistance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) >= bound) return bound;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
