/** A place at which two values are not the same; `undefined`: nothing is there. */
export interface Difference {
  /** As in JSON Pointer. */
  place: string;
  is: unknown;
  was: unknown;
}

/** Places that are told apart; beyond them it is another request altogether. */
const mostDifferences = 1_000;

/** Where one value differs from another, in order, down to texts and numbers. */
export function findDifferences(is: unknown, was: unknown): Difference[] {
  const found: Difference[] = [];
  compare(is, was, "", found);
  return found;
}

function compare(is: unknown, was: unknown, place: string, found: Difference[]): void {
  if (Object.is(is, was) || found.length >= mostDifferences) return;
  if (!isTree(is) || !isTree(was) || Array.isArray(is) !== Array.isArray(was)) {
    found.push({ place: place === "" ? "/" : place, is, was });
    return;
  }
  const [one, other] = [new Map(Object.entries(is)), new Map(Object.entries(was))];
  for (const key of new Set([...one.keys(), ...other.keys()]))
    compare(one.get(key), other.get(key), `${place}/${key.replace(/~/g, "~0").replace(/\//g, "~1")}`, found);
}

const isTree = (value: unknown): value is object => typeof value === "object" && value !== null;

/** How much a difference counts, up to 1: texts that have much in common differ less. */
export function weightOf({ is, was }: Difference): number {
  if (typeof is !== "string" || typeof was !== "string") return 1;
  const begin = firstThatDiffers(is, was);
  const [one, other] = [is.slice(begin), was.slice(begin)].map((text) => [...text].reverse().join(""));
  const common = begin + firstThatDiffers(one ?? "", other ?? "");
  return 1 - 0.9 * (common / Math.max(is.length, was.length, 1));
}

/** Characters of a value that are shown, and those of them before the first that differs. */
const shown = 80;
const before = 20;

/** In words: `/messages/0/text is "five", and was "four"`. */
export function describeDifference({ place, is, was }: Difference): string {
  const at = typeof is === "string" && typeof was === "string" ? firstThatDiffers(is, was) : 0;
  return `${place} is ${excerpt(is, at)}, and was ${excerpt(was, at)}`;
}

function firstThatDiffers(one: string, other: string): number {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  return at;
}

function excerpt(value: unknown, at: number): string {
  if (value === undefined) return "not there";
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  const from = Math.max(0, at - before);
  const part = text.slice(from, from + shown);
  const cut = `${from > 0 ? "…" : ""}${part}${from + shown < text.length ? "…" : ""}`;
  return typeof value === "string" ? JSON.stringify(cut) : cut;
}
