import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3StreamPart,
} from "@ai-sdk/provider";
import { APICallError } from "@ai-sdk/provider";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import type { Script } from "./script.ts";
import { startProviders } from "./start-providers.ts";

const server = await startProviders({ script: [] });
afterAll(() => server.close());
beforeEach(() => {
  (server.requests as unknown[]).length = 0;
});

const apiKey = "key-of-a-test";
const models: [string, LanguageModelV3][] = [
  ["Anthropic's messages", createAnthropic({ baseURL: server.baseURL("anthropic"), apiKey })("claude-x")],
  ["OpenAI's responses", createOpenAI({ baseURL: server.baseURL("openai"), apiKey })("gpt-x")],
  ["chat completions", createOpenAI({ baseURL: server.baseURL("chat"), apiKey }).chat("gpt-x")],
  [
    "a compatible server",
    createOpenAICompatible({ baseURL: server.baseURL("local"), name: "local", includeUsage: true })(
      "llama-x",
    ),
  ],
  ["Gemini", createGoogleGenerativeAI({ baseURL: server.baseURL("google"), apiKey })("gemini-x")],
];

const prompt: LanguageModelV3CallOptions["prompt"] = [
  { role: "system", content: "You add." },
  { role: "user", content: [{ type: "text", text: "What is 2 + 3?" }] },
];
const tools: LanguageModelV3CallOptions["tools"] = [
  { type: "function", name: "add", inputSchema: { type: "object", properties: { a: { type: "number" } } } },
];
const adds: Script = [
  {
    text: "Let me see, 2 and 3.",
    toolCalls: [{ name: "add", input: { a: 2, b: 3 } }],
    usage: { inputTokens: 50, outputTokens: 7, cachedInputTokens: 20 },
  },
  { text: "Five." },
];

async function stream(model: LanguageModelV3, more: Partial<LanguageModelV3CallOptions> = {}) {
  const { stream } = await model.doStream({ prompt, tools, ...more });
  const parts: LanguageModelV3StreamPart[] = [];
  for await (const part of stream) parts.push(part);
  const of = <T extends LanguageModelV3StreamPart["type"]>(type: T) =>
    parts.filter((part): part is Extract<LanguageModelV3StreamPart, { type: T }> => part.type === type);
  return { of, text: of("text-delta").map(({ delta }) => delta) };
}

describe.each(models)("the scripted providers speak to %s", (_name, model) => {
  test("with texts, calls of tools and usage, as a stream and as a whole", async () => {
    server.play(adds);
    const streamed = await stream(model);
    const whole = await model.doGenerate({ prompt, tools });
    expect(streamed.text.length).toBeGreaterThan(1);
    expect(streamed.text.join("")).toBe("Let me see, 2 and 3.");
    const finish = {
      finishReason: { unified: "tool-calls" },
      usage: { inputTokens: { total: 50, cacheRead: 20 } },
    };
    expect(streamed.of("finish")).toMatchObject([finish]);
    expect(whole).toMatchObject({ ...finish, usage: { outputTokens: { total: 7 } } });
    const calls = whole.content.filter((part) => part.type === "tool-call");
    for (const call of [...streamed.of("tool-call"), ...calls]) {
      expect([call.toolName, JSON.parse(call.input)]).toEqual(["add", { a: 2, b: 3 }]);
    }
    expect([streamed.of("tool-call").length, calls.length]).toEqual([1, 1]);
    expect(server.requests).toMatchObject([
      { system: "You add.", tools: ["add"], turn: 0, tries: 0, stream: true },
      { messages: [{ role: "user", text: "What is 2 + 3?" }], turn: 0, tries: 1, stream: false },
    ]);
  });

  test("and find the place of a conversation by what it shows", async () => {
    server.play(adds);
    const { text } = await stream(model, {
      prompt: [
        ...prompt,
        {
          role: "assistant",
          content: [
            { type: "text", text: "Let me see." },
            { type: "tool-call", toolCallId: "call_1", toolName: "add", input: { a: 2 } },
          ],
        },
        {
          role: "tool",
          content: [
            {
              type: "tool-result",
              toolCallId: "call_1",
              toolName: "add",
              output: { type: "text", value: "5" },
            },
          ],
        },
      ],
    });
    expect(text.join("")).toBe("Five.");
    const [asked] = server.requests;
    expect(asked?.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool"]);
    expect(asked?.messages[1]?.toolCalls).toMatchObject([{ name: "add", input: { a: 2 } }]);
    expect(asked?.messages[2]?.results).toMatchObject([{ content: "5" }]);
  });

  test("with refusals that say when to come back", async () => {
    server.play([[{ status: 429, retryAfterSeconds: 7 }, { status: 529 }, { text: "Now." }]]);
    const errors = [];
    for (let asked = 0; asked < 2; asked++) errors.push(await stream(model).catch((error: unknown) => error));
    expect(errors.every((error) => APICallError.isInstance(error))).toBe(true);
    expect(errors).toMatchObject([{ statusCode: 429, isRetryable: true }, { statusCode: 529 }]);
    const [first] = errors as APICallError[];
    expect(`${first?.responseHeaders?.["retry-after"]} ${first?.responseBody}`).toMatch(/^7 |"7s"/);
    expect((await stream(model)).text.join("")).toBe("Now.");
  });

  test("with streams that break", async () => {
    const broken = (how: "cut" | "end" | "error") => ({
      text: "abcdefgh",
      pieces: 8,
      broken: { afterEvents: 5, how },
    });
    server.play([[broken("cut"), broken("end"), broken("error")]]);
    await expect(stream(model)).rejects.toThrow();
    // What a stream looks like that just ends: there is no end of it, or one without a reason, or an error.
    const ended = await stream(model);
    const reasons = ended.of("finish").map(({ finishReason }) => finishReason);
    expect(reasons.every(({ unified, raw }) => unified !== "stop" && raw === undefined)).toBe(true);
    expect((await stream(model)).of("error")).toHaveLength(1);
  });

  test("with nothing at all, until the caller has waited long enough", async () => {
    server.play([[{ silent: "hang" }, { text: "abc", broken: { afterEvents: 1, how: "hang" } }]]);
    for (let asked = 0; asked < 2; asked++) {
      await expect(stream(model, { abortSignal: AbortSignal.timeout(100) })).rejects.toThrow();
    }
  });
});

test("a conversation is told by its system prompt, and what no script expects is refused", async () => {
  const [[, anthropic]] = models as [[string, LanguageModelV3]];
  server.play([
    { when: { system: "subtract" }, turns: [{ text: "no" }] },
    {
      when: { system: /add/, user: "2 + 3" },
      turns: [async ({ messages }) => ({ text: `${messages[0]?.text} 5` })],
    },
  ]);
  expect((await stream(anthropic)).text.join("")).toBe("What is 2 + 3? 5");
  server.play([{ when: { model: "other" }, turns: [{ text: "no" }] }]);
  await expect(stream(anthropic)).rejects.toMatchObject({ statusCode: 400 });
  expect(server.unexpected).toHaveLength(1);
});

test("a recorded answer is played byte by byte", async () => {
  const [, , [, chat]] = models as [unknown, unknown, [string, LanguageModelV3]];
  const chunk =
    '{"id":"1","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"é"},"finish_reason":"stop"}]}';
  server.play([{ raw: `data: ${chunk}\r\n\r\ndata: [DONE]\r\n\r\n` }]);
  expect((await stream(chat)).text).toEqual(["é"]);
});
