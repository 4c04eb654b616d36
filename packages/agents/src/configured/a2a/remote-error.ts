import { WorkError } from "../work-error.ts";

/** Characters of what a remote agent says of an error. */
const shownError = 2_000;
/** How the protocol's package marks what was an error of the protocol on the wire. */
const brand = Symbol.for("@a2a-js/sdk.A2AError");
/** What a remote agent says of the request itself: the same would be refused again. */
const lasting = new Set([
  "REQUEST_MALFORMED",
  "CONTENT_TYPE_NOT_SUPPORTED",
  "UNSUPPORTED_OPERATION",
  "VERSION_NOT_SUPPORTED",
  "EXTENSION_SUPPORT_REQUIRED",
]);

/** The protocol's own word for an error of the protocol; undefined for every other. */
export const reasonOf = (error: unknown): string | undefined =>
  error instanceof Error && brand in error ? String((error as { reason?: unknown }).reason) : undefined;

/** An error of the protocol's package, or of what it did not understand, as what an attempt fails with. */
export function asRemoteError(error: unknown): Error {
  if (error instanceof WorkError) return error;
  if (!(error instanceof Error)) return new WorkError("invalid_answer", String(error).slice(0, shownError));
  if (error.name === "AbortError" || error.name === "TimeoutError") return error;
  if (error.cause instanceof WorkError) return error.cause;
  const reason = reasonOf(error) ?? reasonOf(error.cause);
  const message = error.message.slice(0, shownError);
  if (reason === undefined) {
    return new WorkError("invalid_answer", `The remote agent's answer is not A2A: ${message}`);
  }
  return new WorkError("remote_error", `The remote agent answered with an error: ${message}`, {
    refused: true,
    ...(lasting.has(reason) ? { retryable: false } : {}),
  });
}
