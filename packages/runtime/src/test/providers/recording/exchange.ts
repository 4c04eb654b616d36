import { MusterError } from "@muster/sdk/protocol";
import { digestOf } from "./canonical-request.ts";

/**
 * One request to a provider and what it answered, as a recording keeps it: a line of JSON in a file. No header of a request
 * is kept, since the key is one of them; of an answer those are that a client goes by.
 */
export interface Exchange {
  /** Its place in the recording, from 1, by when it was asked. */
  number: number;
  /** The name in the address (`/NAME/v1/…`). */
  provider: string;
  /** What is behind that name: `/v1/messages`. */
  path: string;
  /** Of path and request, as `digestOf` makes it: what a request is known again by. */
  digest: string;
  request: unknown;
  status: number;
  headers: Readonly<Record<string, string>>;
  /** The body, cut as it came. */
  chunks: readonly RecordedChunk[];
  /** `cut`: the connection broke before the end. */
  end: "whole" | "cut";
}

/** Bytes that are no text by themselves, because they were cut within a character, are in base 64. */
export type RecordedChunk = string | { base64: string };

export const formatExchange = (exchange: Exchange): string => `${JSON.stringify(exchange)}\n`;

/** Reads a recording, in the order in which it was asked. One that was changed by hand has to say so in its digest. */
export function parseRecording(text: string): Exchange[] {
  const exchanges = text
    .split("\n")
    .map((line, index) => ({ line, place: `line ${index + 1}` }))
    .filter(({ line }) => line.trim() !== "")
    .map(({ line, place }) => parseExchange(line, place));
  return exchanges.sort((one, other) => one.number - other.number);
}

function parseExchange(line: string, place: string): Exchange {
  const exchange = parseLine(line, place);
  const missing = fields.filter((field) => exchange[field] === undefined);
  if (missing.length > 0) throw wrong(`${place} lacks ${missing.join(", ")}.`);
  const digest = digestOf(exchange.path, exchange.request);
  if (exchange.digest === digest) return exchange;
  throw wrong(`the request in ${place} is not the one that was recorded.`, {
    hint: `Where it was changed on purpose its digest is ${digest}.`,
  });
}

function parseLine(line: string, place: string): Exchange {
  try {
    return JSON.parse(line) as Exchange;
  } catch {
    throw wrong(`${place} is no JSON.`);
  }
}

const fields = ["number", "provider", "path", "request", "status", "headers", "chunks", "end"] as const;

const wrong = (message: string, more: { hint?: string } = {}): MusterError =>
  new MusterError("invalid_request", `The recording can't be played: ${message}`, more);

export const bytesOf = (chunk: RecordedChunk): Buffer =>
  typeof chunk === "string" ? Buffer.from(chunk) : Buffer.from(chunk.base64, "base64");

/** As a text where it is one. */
export function chunkOf(bytes: Uint8Array): RecordedChunk {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { base64: Buffer.from(bytes).toString("base64") };
  }
}
