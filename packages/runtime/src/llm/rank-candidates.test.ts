import { expect, test } from "vitest";
import { nameOf } from "./candidate.ts";
import { createModelCatalogue } from "./model-catalogue.ts";
import type { ModelSettings } from "./model-settings.ts";
import { createPerformance } from "./performance.ts";
import { openPriceTable } from "./prices.ts";
import { rankCandidates } from "./rank-candidates.ts";

const settings: ModelSettings = {
  providers: [
    { name: "anthropic", kind: "anthropic" },
    { name: "openai", kind: "openai" },
    {
      name: "router",
      kind: "compatible",
      baseURL: "http://x/v1",
      models: [{ id: "gpt-6-sol" }, { id: "small", contextTokens: 1_000 }],
    },
  ],
  aliases: {
    team: { models: ["smart", "router/small"] },
    pair: { models: ["router/small", "openai/gpt-6-luna"] },
  },
  fallbacks: { "claude-opus-5-5": ["openai/gpt-6-astra"] },
};
const now = () => 1_790_000_000_000;
const catalogue = createModelCatalogue(settings);
const prices = await openPriceTable({ prices: undefined, now });
const request = (content = "", maxOutputTokens = 100) => ({
  model: "x",
  system: "",
  messages: [{ role: "user" as const, content }],
  tools: [],
  maxOutputTokens,
});

const candidates = (name: string) => catalogue.choiceFor(name).candidates.map(nameOf);

test("a model is looked for wherever it may be, and named with its provider at that one", () => {
  expect(candidates("gpt-6-sol")).toEqual(["openai/gpt-6-sol", "router/gpt-6-sol"]);
  expect(candidates("router/gpt-6-sol")).toEqual(["router/gpt-6-sol"]);
  expect(candidates("router/meta/llama")).toEqual(["router/meta/llama"]);
  expect(candidates("claude-opus-5-5")).toEqual(["anthropic/claude-opus-5-5", "openai/gpt-6-astra"]);
});

test("aliases of .claude files mean Claude first, then the nearest of others, then what is local", () => {
  const local = ["router/gpt-6-sol", "router/small"];
  expect(candidates("sonnet")).toEqual(["anthropic/claude-sonnet-5", "openai/gpt-6-sol", ...local]);
  expect(candidates("Opus[1m]")).toEqual(["anthropic/claude-opus-5-5", "openai/gpt-6-astra", ...local]);
  for (const name of ["inherit", "", " smart "]) expect(candidates(name)).toEqual(candidates("smart"));
});

test("an alias of one's own means what it says, and may lead to others", () => {
  expect(candidates("team")).toEqual(["anthropic/claude-opus-5-5", "openai/gpt-6-astra", "router/small"]);
  const circle: ModelSettings = {
    ...settings,
    aliases: { a: { models: ["b"] }, b: { models: ["a", "openai/o3"] } },
  };
  expect(createModelCatalogue(circle).choiceFor("a").candidates.map(nameOf)).toEqual(["openai/o3"]);
});

const rank = (
  name: string,
  more: Partial<ReturnType<typeof request>> = {},
  performance = createPerformance({ now }),
) => rankCandidates(catalogue.choiceFor(name), { ...request(), ...more }, { prices, performance });

test("cheap is what costs least for this request, and what has no price comes last", () => {
  expect(rank("cheap").fitting.map(nameOf)).toEqual([
    "openai/gpt-6-luna",
    "anthropic/claude-haiku-4-5",
    "router/gpt-6-sol",
    "router/small",
  ]);
});

test("fast is what was measured to be fast, once it was", () => {
  const performance = createPerformance({ now });
  performance.answered("anthropic/claude-haiku-4-5", { firstMs: 9_000, totalMs: 9_500, outputTokens: 50 });
  performance.answered("router/gpt-6-sol", { firstMs: 100, totalMs: 300, outputTokens: 100 });
  expect(rank("fast", {}, performance).fitting.map(nameOf)).toEqual([
    "router/gpt-6-sol",
    "openai/gpt-6-luna",
    "router/small",
    "anthropic/claude-haiku-4-5",
  ]);
});

test("a context that is too small comes last, and one that is far too small is not asked", () => {
  const long = (tokens: number) => ({
    messages: [{ role: "user" as const, content: "abcd".repeat(tokens) }],
  });
  expect(rank("pair").fitting.map(nameOf)).toEqual(["router/small", "openai/gpt-6-luna"]);
  expect(rank("pair", long(950)).fitting.map(nameOf)).toEqual(["openai/gpt-6-luna", "router/small"]);
  const tooLong = rank("pair", long(2_100));
  expect(tooLong.fitting.map(nameOf)).toEqual(["openai/gpt-6-luna"]);
  expect(tooLong.tooSmall.map(nameOf)).toEqual(["router/small"]);
});

test("what failed of late comes after what did not, and is measured anew when that is long ago", () => {
  let time = now();
  const performance = createPerformance({ now: () => time });
  for (let calls = 0; calls < 2; calls++) performance.failed("router/small");
  expect(rank("pair", {}, performance).fitting.map(nameOf)).toEqual(["openai/gpt-6-luna", "router/small"]);
  time += 30_000;
  expect(rank("pair", {}, performance).fitting.map(nameOf)).toEqual(["router/small", "openai/gpt-6-luna"]);
});
