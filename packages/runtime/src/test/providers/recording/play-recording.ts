import type { AskedRequest, Reply } from "../script.ts";
import { canonicalPath, canonicalRequest, digestOf } from "./canonical-request.ts";
import { bytesOf, type Exchange } from "./exchange.ts";
import { type Difference, describeDifference, findDifferences, weightOf } from "./find-differences.ts";

export interface RecordingPlayer {
  /** A script for `startProviders`. */
  reply: (asked: AskedRequest) => Reply;
  /** What was not asked for yet. */
  rest(): Exchange[];
}

/**
 * Answers as a recording says. A request is known by what it means, whatever its ids and times; of those that
 * mean the same, the first asked gets the first answer. A request that the recording does not know is refused with what
 * is different about it.
 */
export function playRecording(recording: readonly Exchange[]): RecordingPlayer {
  const played = new Set<Exchange>();

  function reply({ provider, path, body }: AskedRequest): Reply {
    const digest = digestOf(path, body);
    const same = recording.filter((exchange) => exchange.provider === provider && exchange.digest === digest);
    const next = same.find((exchange) => !played.has(exchange));
    if (next === undefined) return { unexpected: whyNot(provider, path, body, same) };
    played.add(next);
    const { status, headers, chunks, end } = next;
    return { raw: chunks.map(bytesOf), status, headers, cut: end === "cut" };
  }

  function whyNot(provider: string, path: string, body: unknown, same: readonly Exchange[]): string {
    const what = `/${provider}${canonicalPath(path)}`;
    if (same.length > 0) {
      const numbers = same.map(({ number }) => number).join(", ");
      return `The recording has this request to ${what} ${same.length} times (exchange ${numbers}), and it came once more.`;
    }
    const nearest = nearestTo(provider, path, body, recording, played);
    if (nearest === null) return `The recording is empty, and ${what} was asked.`;
    const { exchange, differences } = nearest;
    const [first] = differences;
    const more = differences.length - 1;
    return [
      `The recording knows no such request to ${what}. The nearest is exchange ${exchange.number} of ${recording.length}`,
      first === undefined ? "" : `: ${describeDifference(first)}`,
      more > 0 ? `, and ${more} more places differ.` : ".",
    ].join("");
  }

  return { reply, rest: () => recording.filter((exchange) => !played.has(exchange)) };
}

/** Of two that are as near, the one that was not played yet is meant. */
const playedWeight = 0.05;
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

/** The one with the fewest and smallest differences. */
function nearestTo(
  provider: string,
  path: string,
  body: unknown,
  recording: readonly Exchange[],
  played: ReadonlySet<Exchange>,
): { exchange: Exchange; differences: Difference[] } | null {
  const asked = { address: `/${provider}${canonicalPath(path)}`, ...asObject(canonicalRequest(body)) };
  let nearest: { exchange: Exchange; differences: Difference[]; distance: number } | null = null;
  for (const exchange of recording) {
    const known = {
      address: `/${exchange.provider}${canonicalPath(exchange.path)}`,
      ...asObject(canonicalRequest(exchange.request)),
    };
    const differences = findDifferences(asked, known);
    const distance = sum(differences.map(weightOf)) + (played.has(exchange) ? playedWeight : 0);
    if (nearest === null || distance < nearest.distance) nearest = { exchange, differences, distance };
  }
  return nearest;
}

const asObject = (value: unknown): object =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? value : { body: value };
