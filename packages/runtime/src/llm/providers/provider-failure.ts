import { APICallError } from "@ai-sdk/provider";
import type { ModelErrorCode } from "../model.ts";
import { keyVariableOf, type ProviderSettings } from "../model-settings.ts";
import type { CallVerdict } from "../provider-breaker.ts";
import { retryAfterMsOf } from "./retry-after.ts";
import { ProviderTimedOut } from "./time-limits.ts";

/** What the failure of one call means for the provider and for the next try. */
export interface ProviderFailure {
  code: ModelErrorCode;
  message: string;
  verdict: CallVerdict;
  /** Another provider or model may do better. */
  isWorthElsewhere: boolean;
  /** The same may do better later. */
  isWorthAgain: boolean;
  /** The provider said so, or it is hopeless before. */
  restMs: number | null;
  hint?: string;
}

const longestMessage = 500;
/** With a wrong key or without credit nothing gets better by itself, but somebody may see to it. */
const hopelessRestMs = 60_000;

type Kind = Omit<ProviderFailure, "message" | "hint" | "code">;

const kinds: Partial<Record<ModelErrorCode, Kind>> & Record<"provider_unavailable", Kind> = {
  rate_limited: { verdict: "nothing", isWorthElsewhere: true, isWorthAgain: true, restMs: null },
  overloaded: { verdict: "failure", isWorthElsewhere: true, isWorthAgain: true, restMs: null },
  provider_unavailable: { verdict: "failure", isWorthElsewhere: true, isWorthAgain: true, restMs: null },
  provider_timeout: { verdict: "failure", isWorthElsewhere: true, isWorthAgain: true, restMs: null },
  context_overflow: { verdict: "nothing", isWorthElsewhere: true, isWorthAgain: false, restMs: null },
  unauthenticated: {
    verdict: "nothing",
    isWorthElsewhere: true,
    isWorthAgain: false,
    restMs: hopelessRestMs,
  },
  no_credit: { verdict: "nothing", isWorthElsewhere: true, isWorthAgain: false, restMs: hopelessRestMs },
  unknown_model: { verdict: "nothing", isWorthElsewhere: true, isWorthAgain: false, restMs: hopelessRestMs },
  // What one provider refuses as wrong is not paid for at another that may be dearer: somebody must see it.
  invalid_request: { verdict: "nothing", isWorthElsewhere: false, isWorthAgain: false, restMs: null },
  cancelled: { verdict: "nothing", isWorthElsewhere: false, isWorthAgain: false, restMs: null },
};

export interface FailureContext {
  provider: ProviderSettings;
  key: string | null;
  now: number;
  /** The caller gave up. */
  isCancelled: boolean;
}

export function failureOf(error: unknown, context: FailureContext): ProviderFailure {
  const said = context.isCancelled
    ? { code: "cancelled" as const, message: "The call was called off." }
    : read(error);
  const message = scrub(said.message, context.key).slice(0, longestMessage);
  const kind = kinds[said.code] ?? kinds.provider_unavailable;
  const restMs = retryAfterMsOf(error, context.now) ?? kind.restMs;
  const hint = hintOf(said.code, context.provider);
  return { ...kind, code: said.code, message, restMs, ...(hint === undefined ? {} : { hint }) };
}

interface Said {
  code: ModelErrorCode;
  message: string;
}

function read(error: unknown): Said {
  if (error instanceof ProviderTimedOut) return { code: "provider_timeout", message: error.message };
  if (!APICallError.isInstance(error)) return readOther(error);
  const { statusCode, responseBody = "" } = error;
  const message = statusCode === undefined ? reachMessage(error) : `${statusCode}: ${error.message}`;
  return { code: codeOf(statusCode, `${error.message} ${responseBody}`), message };
}

/** Why nobody was reached is said by the cause of the cause. */
function reachMessage(error: Error): string {
  const words = [error.message];
  let cause: unknown = error.cause;
  for (let depth = 0; depth < 4 && cause instanceof Error; depth++, cause = cause.cause)
    words.push(cause.message);
  return [...new Set(words.filter((text) => text !== ""))].join(": ");
}

/** What came in a stream is the provider's own object, or the error of a broken connection. */
function readOther(error: unknown): Said {
  const text = error instanceof Error ? reachMessage(error) : JSON.stringify(error ?? null);
  if (error instanceof Error) return { code: "provider_unavailable", message: text };
  const { message } = (error ?? {}) as { message?: unknown };
  return { code: codeInStream(text), message: typeof message === "string" ? message : text };
}

function codeInStream(text: string): ModelErrorCode {
  if (/overloaded/i.test(text)) return "overloaded";
  if (isTooLong.test(text)) return "context_overflow";
  return /rate_?limit/i.test(text) ? "rate_limited" : "provider_unavailable";
}

const isTooLong =
  /context_length_exceeded|context[ _](length|window|size)|prompt is too long|maximum (number of tokens|context)|exceed\w* (the )?(context|maximum number of tokens)|request_too_large|too many tokens/i;
const isUnpaid = /insufficient_quota|credit balance|billing|payment required|exceeded your current quota/i;

const byStatus: ReadonlyMap<number, ModelErrorCode> = new Map([
  [401, "unauthenticated"],
  [402, "no_credit"],
  [403, "unauthenticated"],
  [404, "unknown_model"],
  [408, "provider_timeout"],
  [409, "provider_unavailable"],
  [413, "context_overflow"],
  [425, "provider_unavailable"],
  [429, "rate_limited"],
  [503, "overloaded"],
  [504, "provider_timeout"],
  [529, "overloaded"],
]);

function codeOf(status: number | undefined, text: string): ModelErrorCode {
  // An answer that was no answer comes with the status 200.
  if (status === undefined || status < 400) return "provider_unavailable";
  if ((status === 400 || status === 429 || status === 403) && isUnpaid.test(text)) {
    // Google says the same of a minute's limit, with the time when it is over.
    return /RetryInfo|retryDelay/.test(text) ? "rate_limited" : "no_credit";
  }
  if (status === 400 && /api[ _-]?key/i.test(text)) return "unauthenticated";
  if ((status === 400 || status === 413 || status === 422) && isTooLong.test(text)) return "context_overflow";
  return byStatus.get(status) ?? (status >= 500 ? "provider_unavailable" : "invalid_request");
}

/** Providers repeat parts of a key in what they refuse. */
function scrub(message: string, key: string | null): string {
  const plain = key === null || key.length < 6 ? message : message.replaceAll(key, "[key]");
  return plain.replaceAll(/\b(sk|key|AIza)[-_A-Za-z0-9*]{12,}/g, "[key]");
}

function hintOf(code: ModelErrorCode, provider: ProviderSettings): string | undefined {
  const variable = keyVariableOf(provider);
  const { name, baseURL } = provider;
  if (code === "unauthenticated") {
    return variable === null
      ? `${name} wants a key: name the environment variable that holds it (keyVariable).`
      : `Check the key in ${variable}, and what it may do.`;
  }
  if (code === "no_credit")
    return `The account of ${variable ?? name} has no credit left, or no plan that allows this.`;
  if (code === "unknown_model")
    return `${name} has no such model; \`muster doctor\` lists what is configured.`;
  if (code === "provider_unavailable" && baseURL !== undefined)
    return `Check that a server runs at ${baseURL}.`;
  if (code === "context_overflow")
    return "Shorten the conversation, or choose a model with a larger context.";
  return undefined;
}
