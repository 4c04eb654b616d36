import { limits, MusterError } from "@muster/sdk/protocol";
import { findJsonMistake } from "./json-mistake.ts";

const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Only text that matches this can hold a forbidden key, so that most text is not searched. */
const suspicious = /"(?:(?:_|\\u005f)(?:_|\\u005f)|(?:c|\\u0063)(?:o|\\u006f)(?:n|\\u006e))/i;

/**
 * Reads JSON that somebody else wrote. Refused before a single value is made of it: nesting deeper than
 * `limits.jsonDepth` (so that no later code can run out of stack) and bytes that are not UTF-8. Refused
 * afterwards: keys that would reach into prototypes. Every error says where and what.
 */
export function parseJson(bytes: Uint8Array): unknown {
  refuseDepth(bytes);
  const text = decode(bytes);
  const value = parse(text);
  if (suspicious.test(text)) refusePrototypeKeys(value);
  return value;
}

function refuseDepth(bytes: Uint8Array): void {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    if (inString) {
      if (byte === backslash) index++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) {
      inString = true;
    } else if (byte === openBracket || byte === openBrace) {
      depth++;
      if (depth > limits.jsonDepth) throw tooDeep(index);
    } else if (byte === closeBracket || byte === closeBrace) {
      depth--;
    }
  }
}

const tooDeep = (offset: number): MusterError =>
  new MusterError(
    "limit_exceeded",
    `The JSON is nested deeper than ${limits.jsonDepth} levels, at offset ${offset}.`,
    { hint: "Send flatter data, or put the deep part into a string." },
  );

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new MusterError("invalid_json", "The text is not valid UTF-8.", {
      hint: "JSON is sent as UTF-8. Other encodings and binary data have no place in it; use base64.",
      cause,
    });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const { offset, line, column, expected } = findJsonMistake(text);
    throw new MusterError(
      "invalid_json",
      `The text is not valid JSON: line ${line}, column ${column} (offset ${offset}) should be ${expected}.`,
      { hint: "Check the quotes, commas and brackets around that place.", cause },
    );
  }
}

/** The value is at most `limits.jsonDepth` deep, but it may be wide: hence a list instead of recursion. */
function refusePrototypeKeys(root: unknown): void {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== "object" || value === null) continue;
    if (Object.hasOwn(value, "__proto__")) throw forbiddenKey("__proto__");
    const maker = Object.hasOwn(value, "constructor")
      ? (value as { constructor: unknown }).constructor
      : null;
    if (typeof maker === "object" && maker !== null && Object.hasOwn(maker, "prototype")) {
      throw forbiddenKey("constructor.prototype");
    }
    for (const member of Object.values(value)) open.push(member);
  }
}

const forbiddenKey = (key: string): MusterError =>
  new MusterError("invalid_json", `The key ${key} is not allowed anywhere in the JSON.`, {
    hint: "Give that member another name: this one could change what JavaScript objects are made of.",
  });
