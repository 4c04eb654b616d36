import { createScrubber, type Scrub } from "../../../tools/create-scrubber.ts";
import { chunkOf, type RecordedChunk } from "./exchange.ts";

/** Takes these values out, what looks like a key, and names of accounts, which providers put into what they say of errors. */
export function scrubWith(secrets: readonly string[]): (text: string) => string {
  const scrub: Scrub = createScrubber({ values: secrets });
  return (text) => scrub(text).replace(/\b(org|proj)-[A-Za-z0-9]{10,}/g, "$1-removed");
}

/** All texts of a document; names stay, since they are the format's. */
export function scrubTree(value: unknown, scrub: (text: string) => string): unknown {
  if (typeof value === "string") return scrub(value);
  if (Array.isArray(value)) return value.map((entry) => scrubTree(entry, scrub));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, scrubTree(entry, scrub)]));
}

/** A secret that lies across a cut costs the cuts; all others stay where they were. */
export function scrubChunks(pieces: readonly Buffer[], scrub: (text: string) => string): RecordedChunk[] {
  const whole = readWhole(pieces);
  const clean = scrub(whole);
  if (clean === whole) return pieces.map(chunkOf);
  const each = pieces.map((piece) => {
    const chunk = chunkOf(piece);
    return typeof chunk === "string" ? scrub(chunk) : chunk;
  });
  return each.every((chunk) => typeof chunk === "string") && each.join("") === clean ? each : [clean];
}

function readWhole(pieces: readonly Buffer[]): string {
  const whole = chunkOf(Buffer.concat(pieces));
  if (typeof whole === "string") return whole;
  throw new Error("The answer is no text, so no secret could be found in it.");
}
