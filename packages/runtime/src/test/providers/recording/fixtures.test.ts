import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { ModelTurn } from "../../../llm/model.ts";
import { createModelRouter } from "../../../llm/model-router.ts";
import { createSkippingClock } from "../../skipping-clock.ts";
import { startProviders } from "../start-providers.ts";
import { parseRecording } from "./exchange.ts";
import { playRecording } from "./play-recording.ts";
import {
  converse,
  type RecordedConversation,
  recordedConversations,
  settingsOf,
} from "./recorded-conversations.ts";

const closings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

const readFixture = async (name: string) =>
  parseRecording(await readFile(new URL(`./fixtures/${name}.jsonl`, import.meta.url), "utf8"));

/** Plays the recording of a conversation to the package of its provider, through the router. */
async function play(conversation: RecordedConversation) {
  const recording = await readFixture(conversation.name);
  const player = playRecording(recording);
  const server = await startProviders({ script: player.reply });
  closings.push(server.close);
  const clock = createSkippingClock();
  const router = await createModelRouter({
    settings: settingsOf(conversation, server.baseURL(conversation.kind)),
    environment: { RECORDED_KEY: "another-key-than-recorded" },
    clock,
  });
  closings.push(router.close);
  const heard: string[] = [];
  const turns = await converse(router, conversation, (text) => heard.push(text));
  return { turns, heard: heard.join(""), pieces: heard.length, server, player, recording, clock };
}

const named = (name: string): RecordedConversation => {
  const found = recordedConversations.find((conversation) => conversation.name === name);
  if (found === undefined) throw new Error(`There is no conversation ${name}.`);
  return found;
};

describe.each(["anthropic", "openai", "openai-chat", "google"])("a recording of %s", (kind) => {
  test("is played to its package: words as they came, calls, usage, what the provider needs back", async () => {
    const { turns, heard, pieces, player, server } = await play(named(`${kind}-tools`));
    const [first, last] = turns as [ModelTurn, ModelTurn];
    expect(heard).toBe("Let me see: the weather — and the sum.It rains in London, and 2 + 3 is 5.");
    expect(pieces).toBeGreaterThan(4);
    expect(first.toolCalls.map(({ name, input }) => [name, input])).toEqual([
      ["get_weather", { location: "London" }],
      ["add", { a: 2, b: 3 }],
    ]);
    expect(first).toMatchObject({ finish: "tool-calls", usage: { inputTokens: 320, cachedInputTokens: 64 } });
    expect(last).toMatchObject({ finish: "stop", usage: { inputTokens: 410, outputTokens: 17 } });
    expect(first.costMicros).toBeGreaterThan(0);
    expect(player.rest()).toEqual([]);
    expect(server.unexpected).toEqual([]);
  });
});

test("Anthropic as it is documented: it is overloaded, then calls a tool whose input comes in pieces", async () => {
  const { turns, recording, clock } = await play(named("anthropic-documented"));
  expect(recording.map(({ status }) => status)).toEqual([529, 200]);
  expect(clock.skippedMs).toBeGreaterThan(0);
  expect(turns).toMatchObject([
    {
      text: "Okay, let's check the weather for San Francisco, CA:",
      finish: "tool-calls",
      usage: { inputTokens: 472, outputTokens: 89 },
    },
  ]);
  expect(turns[0]?.toolCalls.map(({ name, input }) => [name, input])).toEqual([
    ["get_weather", { location: "San Francisco, CA", unit: "fahrenheit" }],
  ]);
});

test("OpenAI's responses as they are documented: a greeting", async () => {
  const { turns, heard } = await play(named("openai-documented"));
  expect(heard).toBe("Hi there! How can I assist you today?");
  expect(turns).toMatchObject([
    { text: heard, finish: "stop", usage: { inputTokens: 37, outputTokens: 11 } },
  ]);
});

test("chat completions as they are documented: a limit that says when to come back, then a call", async () => {
  const { turns, recording, clock } = await play(named("openai-chat-documented"));
  expect(recording[0]).toMatchObject({ status: 429, headers: { "retry-after": "1" } });
  expect(clock.skippedMs).toBeGreaterThanOrEqual(1_000);
  expect(turns).toMatchObject([{ finish: "tool-calls", usage: { inputTokens: 82, outputTokens: 17 } }]);
  expect(turns[0]?.toolCalls).toMatchObject([{ name: "get_weather", input: { location: "Paris, France" } }]);
  // The account that the provider named is not in the file.
  expect(JSON.stringify(recording)).toContain("organization org-removed");
});

test("Gemini as it is documented: a quota, then texts of several languages, cut within characters, and a call", async () => {
  const { turns, recording, clock } = await play(named("google-documented"));
  expect(recording[0]?.status).toBe(429);
  expect(clock.skippedMs).toBeGreaterThanOrEqual(3_000);
  expect(recording[1]?.chunks.some((chunk) => typeof chunk !== "string")).toBe(true);
  expect(turns).toMatchObject([
    { text: "Grüße — 我看看。", finish: "tool-calls", usage: { inputTokens: 61 } },
  ]);
  expect(turns[0]?.toolCalls).toMatchObject([{ name: "get_weather", input: { location: "London" } }]);
});

test("no recording has a key or an address of this machine in it", async () => {
  for (const { name } of recordedConversations) {
    const recording = await readFixture(name);
    const text = JSON.stringify(recording);
    expect(text).not.toMatch(/key-of-whoever-records|127\.0\.0\.1|authorization|x-api-key/i);
    expect(text).not.toBe("[]");
  }
});
