import { claudeBounds } from "./bounds.ts";
import { knownKeys, narrowingKeys } from "./keys.ts";

interface Recovered {
  values: ReadonlyMap<string, unknown>;
  unreadable: ReadonlySet<string>;
  repairs: string[];
}

type ParseMapping = (text: string) => ReadonlyMap<string, unknown> | undefined;

interface Block {
  key: string;
  lines: string[];
}

const keyLine = /^["']?([A-Za-z_][\w-]*)["']?\s*:(?=\s|$)/;
/** Who speaks in an example dialogue; such a line looks like a key of the front matter. */
const speakers =
  /^(?:user|assistant|context|commentary|example|examples|human|system|note|agent|claude|input|output)$/i;
const mostKeys = 200;

/**
 * Reads a front matter that is no YAML, key by key. Most such files are right but for their description, in which
 * somebody wrote a colon or a dialogue, so every other key is read as YAML on its own, and a text as it stands.
 */
export function recoverFrontMatter(text: string, parse: ParseMapping): Recovered {
  const values = new Map<string, unknown>();
  const unreadable = new Set<string>();
  const repairs: string[] = [];
  for (const block of splitBlocks(text)) readBlock(block, parse, { values, unreadable, repairs });
  for (const key of doubtful(text, values)) unreadable.add(key);
  const summary = `the YAML does not parse: ${values.size === 0 ? "nothing of it can be read" : `read key by key (${[...values.keys()].join(", ")})`}`;
  return { values, unreadable, repairs: [summary, ...repairs].slice(0, claudeBounds.repairsPerFile) };
}

/**
 * Keys that narrow an agent and are said twice, or in a place where they are no key of the file: nobody knows which counts.
 */
export const doubtful = (text: string, values: ReadonlyMap<string, unknown>): string[] =>
  [...narrowingKeys].filter((key) => mentions(text, key) !== (values.has(key) ? 1 : 0));

const mentions = (text: string, key: string): number =>
  text.match(new RegExp(`^[\\s{,]*["']?${key}["']?\\s*:`, "gm"))?.length ?? 0;

/** Each key with the lines down to the next. In a text with examples only a key that Claude Code knows begins a new one. */
function splitBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  const seen = new Set<string>();
  let openExamples = 0;
  for (const line of text.split("\n")) {
    const key = keyLine.exec(line)?.[1];
    if (key !== undefined && blocks.length < mostKeys && begins(key, seen, openExamples)) {
      seen.add(key);
      blocks.push({ key, lines: [line] });
      openExamples = 0;
    } else blocks.at(-1)?.lines.push(line);
    openExamples += count(line, "<example>") - count(line, "</example>");
  }
  return blocks;
}

function begins(key: string, seen: ReadonlySet<string>, openExamples: number): boolean {
  if (seen.has(key)) return false;
  if (knownKeys.has(key)) return key !== "agent" || openExamples <= 0;
  return openExamples <= 0 && !speakers.test(key) && !/^[A-Z]/.test(key);
}

const count = (line: string, word: string): number => line.split(word).length - 1;

interface Reading {
  values: Map<string, unknown>;
  unreadable: Set<string>;
  repairs: string[];
}

function readBlock({ key, lines }: Block, parse: ParseMapping, reading: Reading): void {
  const { values, unreadable, repairs } = reading;
  const parsed = parse(lines.join("\n"));
  const value = parsed?.size === 1 ? parsed.get(key) : undefined;
  // An empty list of tools would mean all of them, and here it may be empty because its lines stand elsewhere.
  if (value !== undefined && !(value === null && narrowingKeys.has(key))) {
    values.set(key, value);
    return;
  }
  const isOneLine = lines.filter((one) => one.trim() !== "").length === 1;
  if (value !== null && (isOneLine || key === "description" || key === "initialPrompt")) {
    values.set(key, rawText(lines));
    repairs.push(`${key} is no YAML: taken as the text that stands there`);
    return;
  }
  if (narrowingKeys.has(key)) unreadable.add(key);
  repairs.push(`${key} can't be read: left out`);
}

/** What stands after the key, without the signs that YAML would have taken for quotes or for a block of text. */
function rawText(lines: readonly string[]): string {
  const [first = "", ...rest] = lines;
  const start = first.replace(keyLine, "").trim();
  const more = rest.map((line) => line.replace(/^\s+/, ""));
  const text = [/^[|>][+-]?\d*$/.test(start) ? "" : start, ...more].join("\n").trim();
  const quote = /^(["'])([\s\S]*)\1$/.exec(text);
  return quote?.[2] ?? text.replace(/^["'](?=[^"']*$)/, "");
}
