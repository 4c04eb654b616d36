import { limits, MusterError } from "@muster/sdk/protocol";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import ajvFormats from "ajv-formats";
import type { Static, TSchema } from "typebox";

const ajv = new Ajv2020({ strict: false, allErrors: false, verbose: true });
ajvFormats.default(ajv);

const compiled = new WeakMap<object, ValidateFunction>();

function validatorOf(schema: object): ValidateFunction {
  let validate = compiled.get(schema);
  if (validate === undefined) {
    validate = ajv.compile(schema);
    compiled.set(schema, validate);
  }
  return validate;
}

/** The value, known to fit the schema; otherwise `invalid_request` with the place and the reason. */
export function parse<S extends TSchema>(schema: S, value: unknown, what: string): Static<S> {
  const validate = validatorOf(schema);
  if (validate(value)) return value as Static<S>;
  const errors = (validate.errors ?? []).map((error) => ({
    path: error.instancePath,
    message: sentence(error.keyword, error.message ?? "is wrong", error.params),
  }));
  const first = errors[0];
  throw new MusterError(
    "invalid_request",
    `${what} is not valid: ${first?.path || "it"} ${first?.message}.`,
    { errors },
  );
}

/** What a value does wrong, with the names that ajv leaves out of its messages. */
export function sentence(keyword: string, message: string, params: Record<string, unknown>): string {
  if (keyword === "additionalProperties")
    return `has a member "${params.additionalProperty}" that is not known`;
  if (keyword === "enum") return `must be one of ${(params.allowedValues as unknown[]).join(", ")}`;
  return message;
}

/**
 * The JSON text of a payload. Refuses one that is no JSON value, too large, too deep, or holds the character NUL,
 * which no database text can. Half of a surrogate pair, as cut-off model output has it, becomes U+FFFD.
 */
export function payloadText(value: unknown, what: string): string {
  const text = jsonText(value, what);
  if (text.length > limits.payloadBytes / 3 && new TextEncoder().encode(text).length > limits.payloadBytes) {
    throw new MusterError(
      "payload_too_large",
      `${what} takes more than the ${limits.payloadBytes} bytes that fit.`,
      {
        hint: "Keep large data in a file or an object store and pass its address.",
      },
    );
  }
  if (depthOf(text) > limits.jsonDepth) {
    throw new MusterError("limit_exceeded", `${what} is nested more than ${limits.jsonDepth} levels deep.`);
  }
  return text.includes("\\u") ? storable(text, what) : text;
}

/** The same checks for a payload that goes on as a value. */
export function payload<T>(value: T, what: string): T {
  const text = payloadText(value, what);
  return text.includes("\\u") || text.includes("\ufffd") ? (JSON.parse(text) as T) : value;
}

function jsonText(value: unknown, what: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value ?? null);
  } catch (cause) {
    throw new MusterError("invalid_request", `${what} is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (text === undefined) throw new MusterError("invalid_request", `${what} is not a JSON value.`);
  return text;
}

/** An escape, or an escaped backslash, which is none. JSON.stringify escapes surrogates only where they are alone. */
const escapes = /\\\\|\\u[0-9a-f]{4}/g;

function storable(text: string, what: string): string {
  return text.replace(escapes, (found) => {
    if (found === "\\u0000") {
      throw new MusterError(
        "invalid_request",
        `${what} holds the character NUL (\\u0000), which can't be stored.`,
        {
          hint: "Remove it, or encode binary data as base64.",
        },
      );
    }
    return /^\\ud[89a-f]/.test(found) ? "\ufffd" : found;
  });
}

/** Levels of nesting of a JSON text, without parsing it. */
export function depthOf(text: string): number {
  let depth = 0;
  let most = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === 92) at++;
      else if (code === 34) inString = false;
    } else if (code === 34) inString = true;
    else if (code === 123 || code === 91) most = Math.max(most, ++depth);
    else if (code === 125 || code === 93) depth--;
  }
  return most;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const isUuid = (text: string): boolean => uuid.test(text);
