import { APICallError } from "@ai-sdk/provider";

/**
 * When to come back, as a provider says it: in milliseconds, in seconds, as a date, or, as Google does, in the body.
 * Null where it says nothing that makes sense.
 */
export function retryAfterMsOf(error: unknown, now: number): number | null {
  if (!APICallError.isInstance(error)) return null;
  const headers = error.responseHeaders ?? {};
  return (
    sensible(numberOf(headers["retry-after-ms"])) ??
    sensible(secondsOf(headers["retry-after"], now)) ??
    sensible(delayInBody(error.responseBody))
  );
}

const sensible = (ms: number | null): number | null =>
  ms === null || !Number.isFinite(ms) || ms < 0 ? null : Math.ceil(ms);

const numberOf = (text: string | undefined): number | null =>
  text !== undefined && /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : null;

function secondsOf(text: string | undefined, now: number): number | null {
  if (text === undefined) return null;
  const seconds = numberOf(text);
  if (seconds !== null) return seconds * 1_000;
  // Dates are read leniently elsewhere: -4 would be one.
  const date = /[a-z]{3}.*\d\d:\d\d/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

function delayInBody(body: string | undefined): number | null {
  const [, seconds] = /"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"/.exec(body ?? "") ?? [];
  return seconds === undefined ? null : Number(seconds) * 1_000;
}
