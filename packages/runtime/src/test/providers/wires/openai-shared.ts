import type { Failure } from "../script.ts";

const types = new Map([
  [400, "invalid_request_error"],
  [401, "invalid_request_error"],
  [404, "invalid_request_error"],
  [429, "rate_limit_exceeded"],
]);

/** OpenAI's refusals look the same in both of its formats. */
export const openaiFailure = ({ status, message = `refused with ${status}`, code }: Failure) => ({
  error: { message, type: code ?? types.get(status) ?? "server_error", param: null, code: code ?? null },
});

/** Arguments are JSON in a text; what is not stays the text. */
export function readArguments(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
