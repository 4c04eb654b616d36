import type { AskedMessage, Failure } from "../script.ts";
import { dataEvent, joined, list, message, type SpokenAnswer, textOf, type WireFormat } from "../wire.ts";

/** Google's `POST /v1beta/models/MODEL:generateContent`, and `:streamGenerateContent?alt=sse`. */
export const geminiWire: WireFormat = {
  read(body, path) {
    const [, model = "", method = ""] = /\/models\/(.+):(\w+)/.exec(path) ?? [];
    const system = body.systemInstruction as { parts?: unknown } | undefined;
    return {
      model: decodeURIComponent(model),
      stream: method === "streamGenerateContent",
      system: textOf(system?.parts),
      messages: joined(list(body.contents).flatMap(readContent)),
      tools: list(body.tools).flatMap((tool) =>
        list(tool.functionDeclarations).map(({ name }) => String(name)),
      ),
    };
  },
  whole: (answer) =>
    chunk(answer, [...thoughts(answer), ...texts(answer, [answer.text]), ...calls(answer)], true),
  events(answer) {
    const parts = [...thoughts(answer), ...texts(answer, answer.pieces), ...calls(answer)];
    return [
      ...parts.map((part) => dataEvent(chunk(answer, [part], false))),
      dataEvent(chunk(answer, [], true)),
    ];
  },
  failure: ({ status, message = `refused with ${status}`, code, retryAfterSeconds }: Failure) => ({
    error: {
      code: status,
      message,
      status: code ?? statuses.get(status) ?? "INTERNAL",
      ...(retryAfterSeconds === undefined
        ? {}
        : {
            details: [
              { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: `${retryAfterSeconds}s` },
            ],
          }),
    },
  }),
  brokenEvent: (text) => dataEvent({ error: { code: 503, message: text, status: "UNAVAILABLE" } }),
};

const statuses = new Map([
  [400, "INVALID_ARGUMENT"],
  [401, "UNAUTHENTICATED"],
  [403, "PERMISSION_DENIED"],
  [404, "NOT_FOUND"],
  [429, "RESOURCE_EXHAUSTED"],
  [503, "UNAVAILABLE"],
]);

const reasons = { stop: "STOP", "tool-calls": "STOP", length: "MAX_TOKENS", refused: "SAFETY" };

function chunk({ model, usage, finish }: SpokenAnswer, parts: object[], isLast: boolean) {
  return {
    candidates: [
      { index: 0, content: { role: "model", parts }, ...(isLast ? { finishReason: reasons[finish] } : {}) },
    ],
    usageMetadata: {
      promptTokenCount: usage.inputTokens,
      candidatesTokenCount: usage.outputTokens,
      totalTokenCount: usage.inputTokens + usage.outputTokens,
      cachedContentTokenCount: usage.cachedInputTokens,
    },
    modelVersion: model,
  };
}

const thoughts = ({ reasoning }: SpokenAnswer): object[] =>
  reasoning === "" ? [] : [{ text: reasoning, thought: true }];
const texts = (_answer: SpokenAnswer, pieces: readonly string[]): object[] =>
  pieces.filter((text) => text !== "").map((text) => ({ text }));
/** What it thought comes back with the call, sealed. */
const calls = ({ id, reasoning, toolCalls }: SpokenAnswer): object[] =>
  toolCalls.map(({ name, input }) => ({
    functionCall: { name, args: input },
    ...(reasoning === "" ? {} : { thoughtSignature: `sealed-${id}` }),
  }));

/** Calls and results have no ids but the names of the tools. */
function readContent({ role, parts }: Record<string, unknown>): AskedMessage[] {
  const all = list(parts);
  if (role === "model") {
    const toolCalls = all
      .filter((part) => part.functionCall !== undefined)
      .map((part) => part.functionCall as { name: string; args: unknown })
      .map(({ name, args }) => ({ id: name, name, input: args }));
    return [message("assistant", { text: textOf(all.filter(({ thought }) => thought !== true)), toolCalls })];
  }
  const results = all
    .filter((part) => part.functionResponse !== undefined)
    .map((part) => part.functionResponse as { name: string; response: unknown })
    .map(({ name, response }) => ({ id: name, content: resultText(response) }));
  const text = textOf(all);
  return [
    ...(results.length > 0 ? [message("tool", { results })] : []),
    ...(text !== "" || results.length === 0 ? [message("user", { text })] : []),
  ];
}

function resultText(response: unknown): string {
  const { content } = (response ?? {}) as { content?: unknown };
  return typeof content === "string" ? content : JSON.stringify(response);
}
