import type { AskedMessage, Failure } from "../script.ts";
import { joined, list, message, namedEvent, type SpokenAnswer, textOf, type WireFormat } from "../wire.ts";

/** Anthropic's messages: `POST /v1/messages`. */
export const anthropicWire: WireFormat = {
  read: (body) => ({
    model: String(body.model),
    stream: body.stream === true,
    system: textOf(body.system),
    messages: joined(list(body.messages).flatMap(readMessage)),
    tools: list(body.tools).map(({ name }) => String(name)),
  }),
  whole: (answer) => ({ ...frame(answer), content: blocks(answer), stop_reason: stopReason(answer) }),
  events: (answer) => [
    namedEvent("message_start", { message: { ...frame(answer), content: [], stop_reason: null } }),
    namedEvent("ping", {}),
    ...blocks(answer).flatMap((block, index) => blockEvents(block, index, answer)),
    namedEvent("message_delta", {
      delta: { stop_reason: stopReason(answer), stop_sequence: null },
      usage: { output_tokens: answer.usage.outputTokens },
    }),
    namedEvent("message_stop", {}),
  ],
  failure: ({ status, message = `refused with ${status}`, code }: Failure) => ({
    type: "error",
    error: { type: code ?? errorTypes.get(status) ?? "api_error", message },
    request_id: "req_scripted",
  }),
  brokenEvent: (message) => namedEvent("error", { error: { type: "overloaded_error", message } }),
};

const errorTypes = new Map([
  [400, "invalid_request_error"],
  [401, "authentication_error"],
  [403, "permission_error"],
  [404, "not_found_error"],
  [413, "request_too_large"],
  [429, "rate_limit_error"],
  [529, "overloaded_error"],
]);

interface Block extends Record<string, unknown> {
  type: string;
}

function frame({ id, model, usage }: SpokenAnswer) {
  return {
    id: `msg_${id}`,
    type: "message",
    role: "assistant",
    model,
    stop_sequence: null,
    usage: {
      input_tokens: usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens,
      cache_creation_input_tokens: usage.cacheWriteTokens,
      cache_read_input_tokens: usage.cachedInputTokens,
      output_tokens: usage.outputTokens,
    },
  };
}

function blocks({ id, text, reasoning, toolCalls }: SpokenAnswer): Block[] {
  return [
    ...(reasoning === "" ? [] : [{ type: "thinking", thinking: reasoning, signature: `signed-${id}` }]),
    ...(text === "" ? [] : [{ type: "text", text }]),
    ...toolCalls.map((call) => ({ type: "tool_use", id: call.id, name: call.name, input: call.input })),
  ];
}

function blockEvents(block: Block, index: number, { pieces }: SpokenAnswer): string[] {
  const start = (content_block: Block) => namedEvent("content_block_start", { index, content_block });
  const delta = (content: Block) => namedEvent("content_block_delta", { index, delta: content });
  const stop = namedEvent("content_block_stop", { index });
  if (block.type === "text") {
    const deltas = pieces.map((text) => delta({ type: "text_delta", text }));
    return [start({ type: "text", text: "" }), ...deltas, stop];
  }
  if (block.type === "thinking") {
    return [
      start({ type: "thinking", thinking: "", signature: "" }),
      delta({ type: "thinking_delta", thinking: block.thinking }),
      delta({ type: "signature_delta", signature: block.signature }),
      stop,
    ];
  }
  const json = JSON.stringify(block.input);
  const half = Math.ceil(json.length / 2);
  const deltas = [json.slice(0, half), json.slice(half)].map((partial_json) =>
    delta({ type: "input_json_delta", partial_json }),
  );
  return [start({ ...block, input: {} }), ...deltas, stop];
}

const stopReasons = { stop: "end_turn", "tool-calls": "tool_use", length: "max_tokens", refused: "refusal" };
const stopReason = ({ finish }: SpokenAnswer): string => stopReasons[finish];

/** A message of the user holds results of tools, too; these come first. */
function readMessage({ role, content }: Record<string, unknown>): AskedMessage[] {
  const parts = list(content);
  if (role === "assistant") {
    const calls = parts.filter(({ type }) => type === "tool_use");
    const toolCalls = calls.map(({ id, name, input }) => ({ id: String(id), name: String(name), input }));
    return [message("assistant", { text: textOf(content), toolCalls })];
  }
  const results = parts
    .filter(({ type }) => type === "tool_result")
    .map(({ tool_use_id, content: result }) => ({ id: String(tool_use_id), content: textOf(result) }));
  const text = typeof content === "string" ? content : textOf(parts.filter(({ type }) => type === "text"));
  return [
    ...(results.length > 0 ? [message("tool", { results })] : []),
    ...(text !== "" || results.length === 0 ? [message("user", { text })] : []),
  ];
}
