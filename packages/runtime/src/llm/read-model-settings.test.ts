import { expect, test } from "vitest";
import { defaultProviders } from "./model-settings.ts";
import { readModelSettings } from "./read-model-settings.ts";

test("without a section there are the three providers, each if its key is there", () => {
  expect(readModelSettings(undefined)).toEqual({ settings: { providers: defaultProviders }, mistakes: [] });
});

test("short forms become long ones, and who is listed is all that there is", () => {
  const { settings, mistakes } = readModelSettings({
    default: "fast",
    providers: [
      {
        name: "ollama",
        kind: "compatible",
        baseURL: "http://127.0.0.1:11434/v1",
        models: ["a", { id: "b" }],
      },
    ],
    aliases: { fast: "ollama/a", any: ["a", "b"], best: { models: ["b"], order: "cheapest" } },
    prices: { a: { input: 0, output: 0 } },
  });
  expect(mistakes).toEqual([]);
  expect(settings).toMatchObject({
    defaultModel: "fast",
    providers: [{ name: "ollama", models: [{ id: "a" }, { id: "b" }] }],
    aliases: { fast: { models: ["ollama/a"] }, any: { models: ["a", "b"] }, best: { order: "cheapest" } },
  });
  expect(settings.providers).toHaveLength(1);
});

test.each([
  [[], [], "must be an object"],
  [{ provider: [] }, ["provider"], 'unknown key "provider"'],
  [{ providers: [{ name: "a", kind: "openai", url: "x" }] }, ["providers", 0, "url"], 'unknown key "url"'],
  [
    { providers: [{ name: "a", kind: "openai", timeouts: { first: 1 } }] },
    ["providers", 0, "timeouts", "first"],
    "unknown key",
  ],
  [{ providers: [{ name: "a", kind: "compatible" }] }, ["providers", 0], "baseURL"],
  [{ providers: [{ name: "a", kind: "openai", baseURL: "ftp://x" }] }, ["providers", 0, "baseURL"], "http"],
  [
    { providers: [{ name: "a", kind: "openai", baseURL: `https://${"u:p"}@x/v1` }] },
    ["providers", 0, "baseURL"],
    "password",
  ],
  [
    { providers: [{ name: "a", kind: "openai", baseURL: "https://x/v1/" }] },
    ["providers", 0, "baseURL"],
    "slash",
  ],
  [{ providers: ["a", "a"].map((name) => ({ name, kind: "openai" })) }, ["providers", 1], "two providers"],
  [{ prices: { m: { input: 1, output: 1, cached: 0 } } }, ["prices", "m", "cached"], "unknown key"],
])("a mistake is told with its place: %j", (section, path, words) => {
  const { mistakes, settings } = readModelSettings(section);
  expect(mistakes).toMatchObject([{ path, message: expect.stringContaining(words) }]);
  expect(settings).toEqual({ providers: defaultProviders });
});

test.each([
  [{ providers: [{ name: "a", kind: "claude" }] }],
  [{ providers: [{ name: "a/b", kind: "openai" }] }],
  [{ providers: [{ name: "a", kind: "openai", requestsPerMinute: 0 }] }],
  [{ providers: [{ name: "a", kind: "openai", keyVariable: "sk-…" }] }],
  [{ providers: [] }],
  [{ prices: { m: { input: -1, output: 0 } } }],
  [{ aliases: { fast: [] } }],
])("what does not fit is refused: %j", (section) => {
  expect(readModelSettings(section).mistakes).toHaveLength(1);
});
