import { APICallError } from "@ai-sdk/provider";
import { describe, expect, test } from "vitest";
import { failureOf } from "./provider-failure.ts";
import { ProviderTimedOut } from "./time-limits.ts";

const now = Date.parse("2026-11-01T12:00:00Z");
const context = {
  provider: { name: "p", kind: "openai" as const },
  key: "sk-1234567890",
  now,
  isCancelled: false,
};
const refusal = (
  statusCode: number | undefined,
  responseBody = "",
  responseHeaders: Record<string, string> = {},
) =>
  new APICallError({
    message: "refused",
    url: "http://x",
    requestBodyValues: {},
    responseBody,
    responseHeaders,
    ...(statusCode === undefined ? {} : { statusCode }),
  });

describe("a failure is known by", () => {
  test.each([
    [429, "", "rate_limited"],
    [429, '{"error":{"code":"insufficient_quota"}}', "no_credit"],
    [
      429,
      '{"error":{"message":"exceeded your current quota","details":[{"retryDelay":"7s"}]}}',
      "rate_limited",
    ],
    [400, '{"error":{"message":"Your credit balance is too low"}}', "no_credit"],
    [400, '{"error":{"message":"API key not valid"}}', "unauthenticated"],
    [400, '{"error":{"message":"prompt is too long: 210000 tokens > 200000 maximum"}}', "context_overflow"],
    [400, '{"error":{"code":"context_length_exceeded"}}', "context_overflow"],
    [
      400,
      '{"error":{"message":"The input token count exceeds the maximum number of tokens allowed"}}',
      "context_overflow",
    ],
    [400, '{"error":{"message":"the request exceeds the available context size"}}', "context_overflow"],
    [413, "", "context_overflow"],
    [400, '{"error":{"message":"tools.0.name: too long"}}', "invalid_request"],
    [401, "", "unauthenticated"],
    [403, "", "unauthenticated"],
    [404, "", "unknown_model"],
    [422, "", "invalid_request"],
    [500, "", "provider_unavailable"],
    [502, "<html>", "provider_unavailable"],
    [503, "", "overloaded"],
    [529, "", "overloaded"],
    [504, "", "provider_timeout"],
    [200, "no JSON", "provider_unavailable"],
    [undefined, "", "provider_unavailable"],
  ])("status %s and body %s", (status, body, code) => {
    expect(failureOf(refusal(status, body), context).code).toBe(code);
  });

  test.each([
    [{ type: "overloaded_error", message: "Overloaded" }, "overloaded"],
    [{ code: "rate_limit_exceeded", message: "slow down" }, "rate_limited"],
    [{ type: "error" }, "provider_unavailable"],
    [new TypeError("terminated"), "provider_unavailable"],
    [new ProviderTimedOut("fell silent"), "provider_timeout"],
    [undefined, "provider_unavailable"],
  ])("what a stream said: %o", (error, code) => {
    expect(failureOf(error, context).code).toBe(code);
  });
});

test.each([
  [{ "retry-after": "3" }, 3_000],
  [{ "retry-after": "0.5" }, 500],
  [{ "retry-after-ms": "250", "retry-after": "3" }, 250],
  [{ "retry-after": "Sun, 01 Nov 2026 12:00:07 GMT" }, 7_000],
  [{ "retry-after": "Sun, 01 Nov 2026 11:00:00 GMT" }, 0],
  [{ "retry-after": "-4" }, null],
  [{ "retry-after": "soon" }, null],
  [{ "retry-after": "Infinity" }, null],
])("when to come back is read from %o", (headers, restMs) => {
  expect(failureOf(refusal(429, "", headers), context).restMs).toBe(restMs);
});

test("a key that a provider repeats is not told, nor the better part of one", () => {
  const told = [`no: ${context.key}`, "Incorrect API key provided: sk-proj-abcdefghijklmnop"].map(
    (message) => failureOf(Object.assign(refusal(401), { message }), context).message,
  );
  expect(told).toEqual(["401: no: [key]", "401: Incorrect API key provided: [key]"]);
});

test("who gave up is not told that the provider failed", () => {
  const failure = failureOf(refusal(500), { ...context, isCancelled: true });
  expect(failure).toMatchObject({ code: "cancelled", verdict: "nothing", isWorthElsewhere: false });
});
