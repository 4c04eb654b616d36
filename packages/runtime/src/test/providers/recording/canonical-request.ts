import { createHash } from "node:crypto";
import { createScrubber } from "../../../tools/create-scrubber.ts";

/**
 * What is the same in two requests that mean the same: keys are in order, ids are named by when they first appear, and
 * times, addresses of this machine and what providers sealed are blanks. Names that follow from each other stay so: the result of a
 * call still belongs to that call.
 */
export function canonicalRequest(request: unknown): unknown {
  const names = new Map<string, string>();
  const nameOf = (id: string): string => {
    const known = names.get(id) ?? `<id ${names.size + 1}>`;
    names.set(id, known);
    return known;
  };

  function walk(value: unknown, key: string, depth: number): unknown {
    if (depth > mostLevels) throw new Error(`A request has more than ${mostLevels} levels.`);
    if (typeof value === "string") {
      if (sealedKeys.has(key)) return "<sealed>";
      return idKeys.has(key) ? nameOf(value) : plainText(value);
    }
    if (typeof value === "number") return isTime(value) ? "<time>" : value;
    if (Array.isArray(value)) return value.map((entry) => walk(entry, "", depth + 1));
    if (typeof value !== "object" || value === null) return value;
    // What a tool is called with has ids and times of its own, which the model wrote.
    if (verbatimKeys.has(key)) return sorted(value, (entry) => entry);
    return sorted(value, (entry, name) => walk(entry, name, depth + 1));
  }
  return walk(request, "", 0);
}

export const digestOf = (path: string, request: unknown): string =>
  createHash("sha256")
    .update(JSON.stringify([canonicalPath(path), canonicalRequest(request)]))
    .digest("hex");

/** A key may be in the address; how the answer is to come is all that counts of what follows the `?`. */
export function canonicalPath(path: string): string {
  const { pathname, searchParams } = new URL(path, "http://host");
  return searchParams.get("alt") === "sse" ? `${pathname}?alt=sse` : pathname;
}

const mostLevels = 64;
const idKeys = new Set(["id", "call_id", "tool_call_id", "tool_use_id", "item_id", "previous_response_id"]);
const sealedKeys = new Set(["signature", "encrypted_content", "thoughtSignature", "prompt_cache_key"]);
const verbatimKeys = new Set(["input_schema", "inputSchema", "parameters", "args"]);

const blanks: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, "<uuid>"],
  [/\b(?:call|toolu|fc|rs|msg|resp|req|chatcmpl)[_-][A-Za-z0-9]{8,}/g, "<id>"],
  [/\b20\d\d-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?/g, "<time>"],
  [/\b1[6-9]\d{8}(?:\d{3})?\b/g, "<time>"],
  [/\b(?:127\.0\.0\.1|localhost):\d{2,5}\b/g, "<address>"],
];
const scrub = createScrubber();

const plainText = (text: string): string =>
  blanks.reduce((plain, [pattern, blank]) => plain.replace(pattern, blank), scrub(text));

/** Seconds or milliseconds since 1970, of these years. */
const isTime = (value: number): boolean =>
  (value > 1_600_000_000 && value < 2_000_000_000) || (value > 1.6e12 && value < 2e12);

const sorted = (value: object, change: (entry: unknown, name: string) => unknown): object =>
  Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, entry]) => [name, change(entry, name)]),
  );
