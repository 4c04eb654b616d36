import type { AskedMessage, Failure } from "../script.ts";
import { joined, list, message, namedEvent, type SpokenAnswer, textOf, type WireFormat } from "../wire.ts";
import { openaiFailure, readArguments } from "./openai-shared.ts";

/** OpenAI's responses: `POST /v1/responses`. */
export const openaiResponsesWire: WireFormat = {
  read(body) {
    const items = list(body.input);
    const isSystem = ({ role }: Record<string, unknown>) => role === "system" || role === "developer";
    const system = items.filter(isSystem).map(({ content }) => textOf(content));
    return {
      model: String(body.model),
      stream: body.stream === true,
      system: [textOf(body.instructions), ...system].filter((text) => text !== "").join("\n"),
      messages: joined(items.filter((item) => !isSystem(item)).flatMap(readItem)),
      tools: list(body.tools).map(({ name }) => String(name)),
    };
  },
  whole: (answer) => finished(answer),
  events: (answer) => [
    event("response.created", { response: begun(answer) }),
    event("response.in_progress", { response: begun(answer) }),
    ...items(answer).flatMap((item, index) => itemEvents(item, index, answer)),
    event(answer.finish === "length" ? "response.incomplete" : "response.completed", {
      response: finished(answer),
    }),
  ],
  failure: (failure: Failure) => openaiFailure(failure),
  brokenEvent: (text) =>
    event("error", { sequence_number: 0, code: "server_error", message: text, param: null }),
};

const event = namedEvent;

interface Item extends Record<string, unknown> {
  type: "reasoning" | "message" | "function_call";
  id: string;
}

function begun({ id, model }: SpokenAnswer) {
  return {
    id: `resp_${id}`,
    object: "response",
    created_at: 1_790_000_000,
    status: "in_progress",
    error: null,
    incomplete_details: null,
    model,
    output: [],
    parallel_tool_calls: true,
    service_tier: null,
    usage: null,
  };
}

function finished(answer: SpokenAnswer) {
  const { usage, finish } = answer;
  const isCut = finish === "length" || finish === "refused";
  const reason = finish === "length" ? "max_output_tokens" : "content_filter";
  return {
    ...begun(answer),
    status: isCut ? "incomplete" : "completed",
    incomplete_details: isCut ? { reason } : null,
    output: items(answer),
    usage: {
      input_tokens: usage.inputTokens,
      input_tokens_details: { cached_tokens: usage.cachedInputTokens },
      output_tokens: usage.outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: usage.inputTokens + usage.outputTokens,
    },
  };
}

function items({ id, text, reasoning, toolCalls }: SpokenAnswer): Item[] {
  const content = [{ type: "output_text", text, annotations: [], logprobs: [] }];
  return [
    ...(reasoning === ""
      ? []
      : [
          {
            type: "reasoning" as const,
            id: `rs_${id}`,
            encrypted_content: `sealed-${id}`,
            summary: [{ type: "summary_text", text: reasoning }],
          },
        ]),
    ...(text === ""
      ? []
      : [{ type: "message" as const, id: `msg_${id}`, status: "completed", role: "assistant", content }]),
    ...toolCalls.map((call, index) => ({
      type: "function_call" as const,
      id: `fc_${id}_${index}`,
      status: "completed",
      call_id: call.id,
      name: call.name,
      arguments: JSON.stringify(call.input),
    })),
  ];
}

function itemEvents(item: Item, output_index: number, { pieces, text, reasoning }: SpokenAnswer): string[] {
  const place = { output_index, item_id: item.id };
  const done = event("response.output_item.done", { output_index, item });
  const added = (empty: object) =>
    event("response.output_item.added", { output_index, item: { ...item, ...empty } });
  if (item.type === "message") {
    const part = { type: "output_text", text: "", annotations: [] };
    const at = { ...place, content_index: 0 };
    return [
      added({ status: "in_progress", content: [] }),
      event("response.content_part.added", { ...at, part }),
      ...pieces.map((delta) => event("response.output_text.delta", { ...at, delta, logprobs: [] })),
      event("response.output_text.done", { ...at, text, logprobs: [] }),
      event("response.content_part.done", { ...at, part: { ...part, text } }),
      done,
    ];
  }
  if (item.type === "reasoning") {
    const at = { ...place, summary_index: 0 };
    return [
      added({ summary: [], encrypted_content: null }),
      event("response.reasoning_summary_part.added", { ...at, part: { type: "summary_text", text: "" } }),
      event("response.reasoning_summary_text.delta", { ...at, delta: reasoning }),
      event("response.reasoning_summary_part.done", {
        ...at,
        part: { type: "summary_text", text: reasoning },
      }),
      done,
    ];
  }
  const json = String(item.arguments);
  const half = Math.ceil(json.length / 2);
  return [
    added({ status: "in_progress", arguments: "" }),
    ...[json.slice(0, half), json.slice(half)].map((delta) =>
      event("response.function_call_arguments.delta", { ...place, delta }),
    ),
    event("response.function_call_arguments.done", { ...place, arguments: json }),
    done,
  ];
}

function readItem(item: Record<string, unknown>): AskedMessage[] {
  if (item.type === "function_call") {
    const call = {
      id: String(item.call_id),
      name: String(item.name),
      input: readArguments(String(item.arguments)),
    };
    return [message("assistant", { toolCalls: [call] })];
  }
  if (item.type === "function_call_output") {
    return [message("tool", { results: [{ id: String(item.call_id), content: textOf(item.output) }] })];
  }
  if (item.type === "reasoning") return [message("assistant", {})];
  return [message(item.role === "assistant" ? "assistant" : "user", { text: textOf(item.content) })];
}
