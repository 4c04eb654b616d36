/** The word that somebody who typed `typed` most likely meant, if one is at most two slips away. */
export function closestWord(typed: string, words: readonly string[]): string | undefined {
  if (typed.length > 40) return undefined;
  let best: string | undefined;
  let fewest = 3;
  for (const word of words) {
    const slips = distance(typed.toLowerCase(), word);
    if (slips < fewest && slips < word.length) {
      best = word;
      fewest = slips;
    }
  }
  return best;
}

/** Levenshtein: letters added, left out or changed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
