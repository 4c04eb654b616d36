import { editDistance } from "../config/edit-distance.ts";

/** The word that somebody who typed `typed` most likely meant, if one is at most two slips away. */
export function closestWord(typed: string, words: readonly string[]): string | undefined {
  if (typed.length > 40) return undefined;
  let best: string | undefined;
  let fewest = 3;
  for (const word of words) {
    const slips = editDistance(typed.toLowerCase(), word);
    if (slips < fewest && slips < word.length) {
      best = word;
      fewest = slips;
    }
  }
  return best;
}
