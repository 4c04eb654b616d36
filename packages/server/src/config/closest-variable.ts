import { editDistance } from "./edit-distance.ts";

/** Slips beyond which another name was meant. */
const mostSlips = 4;
const longestName = 64;

/** The known variable that somebody who wrote `name` most likely meant, if one is close. */
export function closestVariable(name: string, known: readonly string[]): string | undefined {
  if (name.length > longestName) return undefined;
  const own = wordsOf(name);
  const ranked = known
    .map((variable) => ({ variable, slips: slipsBetween(own, wordsOf(variable)) }))
    .sort((a, b) => a.slips - b.slips);
  return ranked[0] !== undefined && ranked[0].slips <= mostSlips ? ranked[0].variable : undefined;
}

/** What tells names apart: all begin alike, and underscores are easily left out. */
const wordsOf = (name: string): string => name.replace(/^MUSTER_/, "").replaceAll("_", "");

/** Letters added, left out or changed; a name that begins with the other is two slips away at most. */
function slipsBetween(a: string, b: string): number {
  if (a.length > 2 && (b.startsWith(a) || a.startsWith(b))) return Math.min(2, Math.abs(a.length - b.length));
  return editDistance(a, b);
}
