import { calcPrice } from "@pydantic/genai-prices";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openPriceTable } from "./prices.ts";

const now = () => Date.parse("2026-11-01T12:00:00Z");
const table = await openPriceTable({ prices: undefined, now });
const provider = (kind: "anthropic" | "openai" | "google") => ({ name: kind, kind });
const usage = (inputTokens: number, outputTokens: number, cachedInputTokens = 0, cacheWriteTokens = 0) => ({
  inputTokens,
  outputTokens,
  cachedInputTokens,
  cacheWriteTokens,
});

test("costs are those of the table, to the millionth", () => {
  const models = [
    ["anthropic", "claude-sonnet-5"],
    ["anthropic", "claude-haiku-4-5-20251001"],
    ["openai", "gpt-6-sol"],
    ["google", "gemini-3.1-pro-preview"],
  ] as const;
  const tokens = fc.integer({ min: 0, max: 400_000 });
  fc.assert(
    fc.property(
      fc.constantFrom(...models),
      tokens,
      tokens,
      tokens,
      ([kind, model], plain, cached, output) => {
        const micros = table.costMicros(provider(kind), model, usage(plain + cached, output, cached));
        const known = { input_tokens: plain + cached, cache_read_tokens: cached, output_tokens: output };
        const dollars = calcPrice(known, model, {
          providerId: kind,
          timestamp: new Date(now()),
        })?.total_price;
        expect(Number.isSafeInteger(micros)).toBe(true);
        expect(Math.abs((micros ?? 0) - (dollars ?? Number.NaN) * 1_000_000)).toBeLessThanOrEqual(0.5 + 1e-6);
      },
    ),
  );
});

test("what is written to a cache has its own price, and long inputs may be dearer", () => {
  const sonnet = (used: ReturnType<typeof usage>) =>
    table.costMicros(provider("anthropic"), "claude-sonnet-5", used);
  expect(sonnet(usage(1_000, 100))).toBe(3_000);
  expect(sonnet(usage(1_000, 100, 400, 500))).toBe(100 * 2 + 80 + 1_250 + 1_000);
  const sol = (input: number) => table.costMicros(provider("openai"), "gpt-6-sol", usage(input, 0));
  expect([sol(272_000), sol(272_001)]).toEqual([544_000, 1_088_004]);
});

test("a model that the table does not know has no price, even where it knows one before it", () => {
  for (const model of ["claude-sonnet-5-5", "claude-sonnet-5.5-20270101", "claude-next", "gpt-7", "llama"]) {
    const cost = table.costMicros(provider("anthropic"), model, usage(10, 10));
    expect([model, cost]).toEqual([model, null]);
  }
  expect(table.contextTokens(provider("anthropic"), "claude-sonnet-5-5")).toBeNull();
  expect(table.contextTokens(provider("anthropic"), "claude-sonnet-5")).toBe(1_000_000);
  // The table would look for it at other providers.
  expect(table.costMicros(provider("google"), "claude-sonnet-5", usage(10, 10))).toBeNull();
});

test("a local server has no price unless the user gives one, whatever its models are called", async () => {
  const local = { name: "local", kind: "compatible" as const, baseURL: "http://127.0.0.1:11434/v1" };
  expect(table.costMicros(local, "gpt-6-sol", usage(10, 10))).toBeNull();
  const prices = {
    "local/gpt-6-sol": { input: 0.3, output: 0.6 },
    "claude-sonnet-5": { input: 1, output: 1 },
  };
  const own = await openPriceTable({ prices, now });
  expect(own.costMicros(local, "gpt-6-sol", usage(5, 3))).toBe(3);
  expect(own.costMicros(local, "gpt-6-sol", usage(1, 0))).toBe(0);
  expect(own.costMicros(provider("anthropic"), "claude-sonnet-5", usage(10, 10, 10))).toBe(20);
});

test("what a provider did not count is not priced", () => {
  const counted = { ...usage(10, 10), isEstimated: true };
  expect(table.costMicros(provider("anthropic"), "claude-sonnet-5", counted)).toBeNull();
});
