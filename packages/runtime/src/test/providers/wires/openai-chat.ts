import type { AskedMessage, Failure } from "../script.ts";
import { dataEvent, list, message, type SpokenAnswer, textOf, type WireFormat } from "../wire.ts";
import { openaiFailure, readArguments } from "./openai-shared.ts";

/** Chat completions, which OpenAI began and all local servers speak: `POST /v1/chat/completions`. */
export const openaiChatWire: WireFormat = {
  read(body) {
    const messages = list(body.messages);
    const isSystem = ({ role }: Record<string, unknown>) => role === "system" || role === "developer";
    return {
      model: String(body.model),
      stream: body.stream === true,
      system: messages
        .filter(isSystem)
        .map(({ content }) => textOf(content))
        .join("\n"),
      messages: joinResults(messages.filter((entry) => !isSystem(entry)).map(readMessage)),
      tools: list(body.tools).map((tool) => String((tool.function as { name?: unknown })?.name)),
    };
  },
  whole: (answer) => ({
    ...frame(answer, "chat.completion"),
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: answer.text === "" ? null : answer.text, ...calls(answer) },
        finish_reason: finishReason(answer),
      },
    ],
    usage: usageOf(answer),
  }),
  events(answer) {
    const chunk = (delta: object, finish_reason: string | null = null) =>
      dataEvent({
        ...frame(answer, "chat.completion.chunk"),
        choices: [{ index: 0, delta, finish_reason }],
      });
    const usage = { ...frame(answer, "chat.completion.chunk"), choices: [], usage: usageOf(answer) };
    return [
      chunk({ role: "assistant", content: "" }),
      ...(answer.reasoning === "" ? [] : [chunk({ reasoning_content: answer.reasoning })]),
      ...answer.pieces.map((content) => chunk({ content })),
      ...answer.toolCalls.flatMap((call, index) => callChunks(call, index).map((delta) => chunk(delta))),
      chunk({}, finishReason(answer)),
      ...(answer.saysUsage ? [dataEvent(usage)] : []),
      "data: [DONE]\n\n",
    ];
  },
  failure: (failure: Failure) => openaiFailure(failure),
  brokenEvent: (text) =>
    dataEvent({ error: { message: text, type: "server_error", param: null, code: null } }),
};

function frame({ id, model }: SpokenAnswer, object: string) {
  return { id: `chatcmpl-${id}`, object, created: 1_790_000_000, model };
}

function usageOf({ usage }: SpokenAnswer) {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedInputTokens },
  };
}

function calls({ toolCalls }: SpokenAnswer) {
  if (toolCalls.length === 0) return {};
  const tool_calls = toolCalls.map(({ id, name, input }) => ({
    id,
    type: "function",
    function: { name, arguments: JSON.stringify(input) },
  }));
  return { tool_calls };
}

function callChunks({ id, name, input }: SpokenAnswer["toolCalls"][number], index: number): object[] {
  const json = JSON.stringify(input);
  const half = Math.ceil(json.length / 2);
  return [
    { tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] },
    ...[json.slice(0, half), json.slice(half)].map((part) => ({
      tool_calls: [{ index, function: { arguments: part } }],
    })),
  ];
}

const reasons = { stop: "stop", "tool-calls": "tool_calls", length: "length", refused: "content_filter" };
const finishReason = ({ finish }: SpokenAnswer): string => reasons[finish];

function readMessage(entry: Record<string, unknown>): AskedMessage {
  const text = textOf(entry.content);
  if (entry.role === "tool") {
    return message("tool", { results: [{ id: String(entry.tool_call_id), content: text }] });
  }
  if (entry.role !== "assistant") return message("user", { text });
  const toolCalls = list(entry.tool_calls).map((call) => {
    const { name, arguments: json } = call.function as { name: string; arguments: string };
    return { id: String(call.id), name, input: readArguments(json) };
  });
  return message("assistant", { text, toolCalls });
}

/** Each result is a message of its own; those of one turn become one. */
function joinResults(messages: readonly AskedMessage[]): AskedMessage[] {
  const out: AskedMessage[] = [];
  for (const next of messages) {
    const last = out.at(-1);
    if (last?.role === "tool" && next.role === "tool") {
      out[out.length - 1] = { ...last, results: [...last.results, ...next.results] };
    } else out.push(next);
  }
  return out;
}
