import { describe, expect, test } from "vitest";
import type { Answer } from "../test/providers/script.ts";
import { environment, errorOf, request, useModels } from "../test/route-models.ts";
import type { ModelRequest } from "./model.ts";

const world = await useModels();
const { anthropic, asked, google, local, openai, play, provider, records, route, server } = world;

describe.each([
  ["anthropic", "claude-sonnet-5", anthropic],
  ["openai", "gpt-6-sol", openai],
  ["openai-chat", "gpt-6-sol", provider("openai-chat")],
  ["google", "gemini-3.1-pro-preview", google],
  ["local", "llama", local],
] as const)("a turn of %s", (name, model, settings) => {
  const tools = [{ name: "add", description: "Adds.", inputSchema: { type: "object", properties: {} } }];

  test("is text as it comes, calls with ids, usage, cost and what the provider needs back", async () => {
    play({
      [name]: [
        {
          text: "Two and three.",
          reasoning: "I add.",
          toolCalls: [
            { id: "x", name: "add", input: { a: 2 } },
            { id: "x", name: "add", input: { a: 3 } },
          ],
          usage: { inputTokens: 1_000, outputTokens: 100, cachedInputTokens: 200 },
        },
      ],
    });
    const router = await route({
      providers: [settings],
      prices: { llama: { input: 0.1, output: 1, cacheRead: 0 } },
    });
    const pieces: string[] = [];
    const turn = await router.generate(request({ model, tools }), { onText: (text) => pieces.push(text) });
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join("")).toBe("Two and three.");
    expect(turn).toMatchObject({ text: "Two and three.", finish: "tool-calls", provider: name, model });
    expect(turn.toolCalls.map((call) => call.input)).toEqual([{ a: 2 }, { a: 3 }]);
    expect(new Set(turn.toolCalls.map(({ id }) => id)).size).toBe(2);
    expect(turn.usage).toEqual({
      inputTokens: 1_000,
      outputTokens: 100,
      cachedInputTokens: 200,
      cacheWriteTokens: 0,
    });
    const costs: Record<string, number> = { anthropic: 2_640, google: 2_840, local: 180 };
    expect(turn.costMicros).toBe(costs[name] ?? 2_640);

    const results = turn.toolCalls.map(({ id }) => ({
      toolCallId: id,
      name: "add",
      content: "5",
      isError: false,
    }));
    const spoken = { role: "assistant" as const, content: turn.text, toolCalls: turn.toolCalls };
    const kept =
      turn.continuation === undefined ? {} : { continuation: JSON.parse(JSON.stringify(turn.continuation)) };
    const messages = [...request().messages, { ...spoken, ...kept }, { role: "tool" as const, results }];
    play({ [name]: [{ text: "Five." }] });
    expect((await router.generate(request({ model, tools, messages }))).text).toBe("Five.");
    const last = server.requests.at(-1);
    expect(last?.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool"]);
    expect(last?.messages[2]?.results.map(({ content }) => content)).toEqual(["5", "5"]);
    const sealed = { anthropic: "signed-1", openai: "sealed-1", google: "sealed-1" }[name as string];
    if (sealed !== undefined) expect(JSON.stringify(last?.body)).toContain(sealed);
  });

  test("that breaks half way is made again and taken back, and never answered as if whole", async () => {
    const broken = (how: "cut" | "end" | "error"): Answer => ({
      text: "abcdefgh",
      pieces: 8,
      broken: { afterEvents: 5, how },
    });
    play({ [name]: [broken("end"), broken("error"), { text: "whole" }] });
    const router = await route({ providers: [settings] });
    let heard = "";
    let restarts = 0;
    const turn = await router.generate(request({ model }), {
      onText: (text) => {
        heard += text;
      },
      onRestarted: () => {
        heard = "";
        restarts++;
      },
    });
    expect([turn.text, heard]).toEqual(["whole", "whole"]);
    expect(restarts).toBeLessThanOrEqual(2);
    play({ [name]: [broken("cut")] });
    const error = await errorOf(router.generate(request({ model, system: "Again." })));
    expect(error).toMatchObject({ code: "provider_unavailable", retryable: true });
    expect(records.filter(({ outcome }) => outcome === "answered")).toHaveLength(1);
  });
});

test("no key, no call: the hint names the variables", async () => {
  const router = await route({ providers: [anthropic, openai] }, { environment: { OPENAI_API_KEY: " " } });
  const error = await errorOf(router.generate(request()));
  expect(error).toMatchObject({ code: "no_provider", retryable: false });
  expect(error.hint).toMatch(/ANTHROPIC_API_KEY or OPENAI_API_KEY/);
  expect(server.requests).toHaveLength(0);
});

test("a model that nobody has is refused with what there is", async () => {
  const error = await errorOf(
    (await route({ providers: [anthropic] })).generate(request({ model: "gpt-6" })),
  );
  expect(error).toMatchObject({ code: "unknown_model", hint: expect.stringContaining("sonnet") });
});

test("keys go to their provider and nowhere else: not into errors, and not after a redirect", async () => {
  const key = environment.ANTHROPIC_API_KEY;
  play({ anthropic: [{ status: 400, message: `the key ${key} is odd` }] });
  const router = await route({ providers: [anthropic] });
  const error = await errorOf(router.generate(request()));
  expect(server.requests[0]?.headers["x-api-key"]).toBe(key);
  expect(JSON.stringify([error.message, error.hint, records])).not.toContain(key);
  const headers = { location: `${server.url}/thief/v1/messages` };
  play({ anthropic: [{ raw: "", status: 307, headers }], thief: [{ text: "Thanks." }] });
  await errorOf(router.generate(request({ system: "Again." })));
  expect(asked().every((name) => name.startsWith("anthropic"))).toBe(true);
});

test("Anthropic is told what to keep: tools, system prompt, and the two newest of the user's", async () => {
  play({ anthropic: [{ text: "Yes." }] });
  const tool = (name: string) => ({ name, description: name, inputSchema: { type: "object" } });
  const messages: ModelRequest["messages"] = ["a", "b", "c"].flatMap((content) => [
    { role: "user" as const, content },
    { role: "assistant" as const, content: "ok", toolCalls: [] },
  ]);
  const router = await route({ providers: [anthropic] });
  server.play(() => ({ text: "Yes." }));
  await router.generate(request({ tools: [tool("x"), tool("y")], messages: messages.slice(0, -1) }));
  const {
    system = [],
    tools = [],
    messages: sent = [],
  } = (server.requests[0]?.body ?? {}) as {
    system?: object[];
    tools?: object[];
    messages?: { content: object[] }[];
  };
  const marked = [...system, ...tools, ...sent.flatMap(({ content }) => content)].filter(
    (part) => "cache_control" in part,
  );
  expect(marked).toMatchObject([{ text: "Be brief." }, { name: "y" }, { text: "b" }, { text: "c" }]);
});

test("a local server without key, usage or a price answers all the same, and its cost is not known", async () => {
  const chunk = (delta: object, finish_reason: string | null) =>
    `data: ${JSON.stringify({ id: "1", created: 1, model: "llama", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  const raw = `${chunk({ role: "assistant", content: "Hi there" }, null)}${chunk({}, "stop")}data: [DONE]\n\n`;
  play({ local: [{ raw }] });
  const turn = await (await route({ providers: [local] })).generate(request({ model: "llama" }));
  expect(turn).toMatchObject({ text: "Hi there", costMicros: null, usage: { isEstimated: true } });
  expect(turn.usage.inputTokens).toBeGreaterThan(0);
  expect(server.requests[0]?.headers.authorization).toBeUndefined();
});

test("a provider that can't stream is asked for the whole", async () => {
  play({ local: [{ text: "All at once." }] });
  const router = await route({ providers: [{ ...local, streaming: false }] });
  const pieces: string[] = [];
  const turn = await router.generate(request({ model: "llama" }), { onText: (text) => pieces.push(text) });
  expect([turn.text, pieces]).toEqual(["All at once.", ["All at once."]]);
  expect(server.requests[0]?.stream).toBe(false);
});

test("an estimate is the most that a turn can cost with any of the candidates", async () => {
  const router = await route({ providers: [anthropic, local] });
  const known = router.estimate(request({ maxOutputTokens: 1_000 }));
  expect(known?.mostCostMicros).toBeGreaterThanOrEqual(10_000);
  expect(known?.mostCostMicros).toBeLessThan(10_200);
  expect(known?.contextTokens).toBe(1_000_000);
  expect(router.estimate(request({ model: "llama" }))).toEqual({ mostCostMicros: null, contextTokens: null });
  expect(router.estimate(request({ model: "nobody" }))).toBeNull();
});
