import { type ErrorCode, limits, MusterError } from "../protocol/index.ts";

/**
 * A value as it is after a journey through JSON, so that a handler sees the same thing whether it was just
 * made or comes from the journal: dates are texts, `undefined` is null. Refuses what JSON cannot say and what
 * is too large; `subject` names it in the error, `code` says whose fault it is.
 */
export const toJson = (value: unknown, subject: string, code: ErrorCode = "invalid_request"): unknown => {
  if (value === null || typeof value === "boolean") return value;
  if (value === undefined) return null;
  const text = encode(value, subject, code);
  const bytes = text.length > limits.payloadBytes / 3 ? Buffer.byteLength(text) : text.length;
  if (bytes > limits.payloadBytes) {
    throw new MusterError(
      "payload_too_large",
      `${subject} has ${bytes} bytes; ${limits.payloadBytes} are allowed.`,
      {
        hint: "Keep large data in a file or an object store and hand over where it is.",
      },
    );
  }
  return typeof value === "string" ? value : JSON.parse(text);
};

const encode = (value: unknown, subject: string, code: ErrorCode): string => {
  try {
    // A function or a symbol has no JSON at all.
    const text = JSON.stringify(value);
    if (text !== undefined) return text;
  } catch (cause) {
    throw new MusterError(code, `${subject} is not JSON: ${(cause as Error).message}.`, { cause });
  }
  throw new MusterError(code, `${subject} is not JSON: it is a ${typeof value}.`);
};
