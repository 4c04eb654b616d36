import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import type { LanguageModelV3 } from "@ai-sdk/provider";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Script } from "../script.ts";
import { startProviders } from "../start-providers.ts";
import { canonicalRequest, digestOf } from "./canonical-request.ts";
import { formatExchange, parseRecording } from "./exchange.ts";
import { playRecording } from "./play-recording.ts";
import { startRecorder } from "./start-recorder.ts";

// Put together, so that it is no key of anybody.
const key = ["sk", "ant", "api03", "0123456789abcdefghijklmn"].join("-");
let folder: string;
const closings: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "muster-recording-"));
});
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
  await rm(folder, { recursive: true });
});

const modelAt = (baseURL: string, apiKey = key): LanguageModelV3 =>
  createAnthropic({ baseURL, apiKey })("claude-x");

async function say(model: LanguageModelV3, text: string): Promise<string> {
  const { stream } = await model.doStream({
    prompt: [{ role: "user", content: [{ type: "text", text }] }],
  });
  let said = "";
  for await (const part of stream) {
    if (part.type === "text-delta") said += part.delta;
    if (part.type === "error") throw part.error;
  }
  return said;
}

/** A recorder in front of the server that answers by a script. */
async function record(script: Script, more: { secrets?: string[] } = {}) {
  const server = await startProviders({ script });
  closings.push(server.close);
  const file = join(folder, "a.jsonl");
  const problems: string[] = [];
  const onProblem = (message: string) => void problems.push(message);
  const targets = { anthropic: server.baseURL("anthropic"), google: server.baseURL("google") };
  const recorder = await startRecorder({ ...more, targets, file, onProblem });
  closings.push(recorder.close);
  const read = async () => parseRecording(await readFile(file, "utf8"));
  return { server, recorder, model: modelAt(recorder.baseURL("anthropic")), file, read, problems };
}

async function play(recording: Parameters<typeof playRecording>[0]) {
  const player = playRecording(recording);
  const server = await startProviders({ script: player.reply });
  closings.push(server.close);
  return { player, server, model: modelAt(server.baseURL("anthropic"), "another") };
}

const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => expect.fail("It should have been refused."),
    (error: Error) => error.message,
  );

describe("a recorder", () => {
  test("hands on what a provider says, and what it wrote is played again", async () => {
    const { model, read, file, recorder } = await record([{ text: "It is five.", pieces: 4 }]);
    expect(await say(model, "2 + 3?")).toBe("It is five.");
    expect(recorder.recorded()).toBe(1);
    const recording = await read();
    expect(recording).toMatchObject([
      { number: 1, provider: "anthropic", path: "/v1/messages", status: 200, end: "whole" },
    ]);
    expect(recording[0]?.chunks.length).toBeGreaterThan(1);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const played = await play(recording);
    expect(await say(played.model, "2 + 3?")).toBe("It is five.");
    expect(played.player.rest()).toEqual([]);
  });

  test("writes no key: not of a header, not of an address, and not where somebody repeats one", async () => {
    const secret = "a-secret-of-this-machine";
    const { model, recorder, server, file } = await record(
      ({ turn }) => ({ text: `You said ${key}, ${secret} (${turn}).`, pieces: 1 }),
      { secrets: [secret] },
    );
    expect(await say(model, `My key is ${key} and ${secret}`)).toContain(key);
    const google = createGoogleGenerativeAI({ baseURL: recorder.baseURL("google"), apiKey: "plain-key-1" });
    await google("gemini-x").doGenerate({
      prompt: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
    });
    const address = `${recorder.baseURL("google")}/models/gemini-x:generateContent?key=plain-key-2`;
    await fetch(address, {
      method: "POST",
      body: JSON.stringify({ contents: [{ parts: [{ text: "plain-key-2" }] }] }),
    });
    // The provider got them all.
    expect(server.requests[0]?.headers["x-api-key"]).toBe(key);
    expect(server.requests[2]?.path).toContain("plain-key-2");
    const text = await readFile(file, "utf8");
    expect(parseRecording(text)).toHaveLength(3);
    for (const hidden of [key, secret, "plain-key-1", "plain-key-2"]) expect(text).not.toContain(hidden);
    expect(text).toContain("[secret removed]");
  });

  test("finds a key that lies across a cut", async () => {
    const [one, other] = [`data: {"said":"${key.slice(0, 12)}`, `${key.slice(12)}"}\n\n`];
    const raw = [one, other].map((piece) => new TextEncoder().encode(piece));
    const { recorder, file } = await record([{ raw }]);
    await fetch(`${recorder.baseURL("anthropic")}/messages`, { method: "POST", body: "{}" }).then((r) =>
      r.text(),
    );
    const text = await readFile(file, "utf8");
    expect(text).not.toContain(key.slice(12));
    expect(parseRecording(text)[0]?.chunks).toEqual(['data: {"said":"[secret removed]"}\n\n']);
  });

  test("writes refusals, streams that break, and what asks again in its order", async () => {
    const broken = { text: "abcdefgh", pieces: 8, broken: { afterEvents: 4, how: "cut" } } as const;
    const { model, read } = await record([[{ status: 429, retryAfterSeconds: 7 }, broken, { text: "Now." }]]);
    const outcomes = async (of: LanguageModelV3) => {
      const said: string[] = [];
      for (let n = 0; n < 3; n++) said.push(await say(of, "Hello?").catch(() => "refused"));
      return said;
    };
    expect(await outcomes(model)).toEqual(["refused", "refused", "Now."]);
    const recording = await read();
    expect(recording).toMatchObject([
      { number: 1, status: 429, headers: { "retry-after": "7" } },
      { number: 2, status: 200, end: "cut" },
      { number: 3, status: 200, end: "whole" },
    ]);
    expect(await outcomes((await play(recording)).model)).toEqual(["refused", "refused", "Now."]);
  });

  test("sends nothing to who was not named, and nothing after a redirect", async () => {
    const asked: string[] = [];
    const thief = createServer((request, response) => {
      asked.push(String(request.url));
      response.end("{}");
    });
    await new Promise<void>((resolve) => thief.listen(0, "127.0.0.1", resolve));
    closings.push(async () => thief.close());
    const location = `http://127.0.0.1:${(thief.address() as AddressInfo).port}/v1/messages`;
    const { recorder, read } = await record([{ raw: "", status: 307, headers: { location } }]);
    const post = (path: string) =>
      fetch(`${recorder.url}${path}`, { method: "POST", body: "{}", redirect: "manual" });
    expect((await post("/other/v1/messages")).status).toBe(404);
    expect((await post("/__proto__/v1/messages")).status).toBe(404);
    const answer = await post("/anthropic/v1/messages");
    expect([answer.status, answer.headers.get("location")]).toEqual([307, null]);
    expect(asked).toEqual([]);
    expect(await read()).toHaveLength(1);
  });

  test("says so where a provider can't be reached, and never writes over a file", async () => {
    const { model, server, file, problems, read } = await record([{ text: "Once." }]);
    await server.close();
    await expect(say(model, "Hello?")).rejects.toMatchObject({ statusCode: 502 });
    expect(problems).toEqual([expect.stringContaining("not recorded: fetch failed")]);
    expect(await read()).toEqual([]);
    await expect(startRecorder({ targets: {}, file })).rejects.toMatchObject({ code: "EEXIST" });
  });
});

describe("a player", () => {
  test("names what is different about a request that it does not know, and where", async () => {
    const { model, read } = await record(() => ({ text: "Yes." }));
    await say(model, "Is it raining?");
    await say(model, `${"Long ago, ".repeat(30)}it was spring. Is it?`);
    const recording = await read();
    const played = await play(recording);
    expect(await refusal(say(played.model, `${"Long ago, ".repeat(30)}it was autumn. Is it?`))).toBe(
      "The recording knows no such request to /anthropic/v1/messages. The nearest is exchange 2 of 2: " +
        '/messages/0/content/0/text is "…o, Long ago, it was autumn. Is it?", and was "…o, Long ago, it was spring. Is it?".',
    );
    const other = createAnthropic({ baseURL: played.server.baseURL("anthropic"), apiKey: "x" })("claude-y");
    expect(await refusal(say(other, "Is it raining?"))).toContain(
      'exchange 1 of 2: /model is "claude-y", and was "claude-x".',
    );
    expect(await say(played.model, "Is it raining?")).toBe("Yes.");
    expect(await refusal(say(played.model, "Is it raining?"))).toMatch(
      /has this request to \/anthropic\/v1\/messages 1 times \(exchange 1\), and it came once more/,
    );
    expect(played.player.rest()).toHaveLength(1);
    expect(played.server.unexpected).toHaveLength(3);
    expect(await refusal(say((await play([])).model, "Hi"))).toMatch(/recording is empty/);
  });

  test("refuses a recording that is broken or was changed, with the line", async () => {
    const { model, read } = await record([{ text: "Yes." }]);
    await say(model, "Is it raining?");
    const [exchange] = await read();
    const line = formatExchange(exchange!);
    expect(() => parseRecording(`${line}{"number": 2`)).toThrow(/line 2 is no JSON/);
    expect(() => parseRecording('{"number": 2}\n')).toThrow(/line 1 lacks provider, path, request/);
    const changed = { ...exchange!, request: { ...(exchange?.request as object), model: "claude-y" } };
    const digest = digestOf(changed.path, changed.request);
    expect(() => parseRecording(formatExchange(changed))).toThrow(/line 1 is not the one that was recorded/);
    expect(parseRecording(formatExchange({ ...changed, digest }))).toHaveLength(1);
  });
});

describe("two requests mean the same", () => {
  const same = (one: unknown, other: unknown) =>
    expect(canonicalRequest(one)).toEqual(canonicalRequest(other));
  const differ = (one: unknown, other: unknown) =>
    expect(canonicalRequest(one)).not.toEqual(canonicalRequest(other));

  test("whatever their ids, as long as what belongs together still does", () => {
    const calls = (a: string, b: string, result: string) => ({
      messages: [
        { tool_calls: [{ id: a }, { id: b }] },
        { role: "tool", tool_call_id: result, content: "5" },
      ],
    });
    same(calls("call_1", "call_2", "call_2"), calls("x", "y", "y"));
    differ(calls("call_1", "call_2", "call_2"), calls("x", "y", "x"));
  });

  test("whatever times, addresses and sealed values they have", () => {
    const at = (time: string, port: number, seconds: number) => ({
      system: `It is ${time}; look at http://127.0.0.1:${port}/x.`,
      created: seconds,
      signature: `s-${port}`,
    });
    same(
      at("2026-01-02T03:04:05.678Z", 4000, 1_790_000_001),
      at("2027-11-12 13:14:15", 50_123, 1_790_999_999),
    );
    differ(at("Monday", 4000, 1), at("Tuesday", 4000, 1));
    differ({ max_tokens: 500 }, { max_tokens: 501 });
  });

  test("in whatever order their names are, but not their lists, and with what a schema says", () => {
    same({ a: 1, b: { c: [1, 2], d: null } }, { b: { d: null, c: [1, 2] }, a: 1 });
    differ({ a: [1, 2] }, { a: [2, 1] });
    differ(
      { input_schema: { properties: { id: { const: "a" } } } },
      { input_schema: { properties: { id: { const: "b" } } } },
    );
  });
});
