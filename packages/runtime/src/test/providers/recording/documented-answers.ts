/**
 * What providers say in the public descriptions of their formats, byte for byte, where it differs from what the scripted
 * server says: other fields, blanks and line ends, empty pieces, errors.
 */

const events = (lines: readonly (readonly [name: string, data: string])[]): string =>
  lines.map(([name, data]) => `event: ${name}\ndata: ${data}\n\n`).join("");

const textDelta = (text: string) =>
  [
    "content_block_delta",
    `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":${JSON.stringify(text)}}}`,
  ] as const;
const jsonDelta = (text: string) =>
  [
    "content_block_delta",
    `{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":${JSON.stringify(text)}}}`,
  ] as const;

/** Anthropic: a text, then a call of a tool whose input comes in pieces, the first of them empty. */
const anthropicToolUse = events([
  [
    "message_start",
    '{"type":"message_start","message":{"id":"msg_014p7gG3wDgGV9EUtLvnow3U","type":"message","role":"assistant","model":"claude-opus-4-1-20250805","stop_sequence":null,"usage":{"input_tokens":472,"output_tokens":2},"content":[],"stop_reason":null}}',
  ],
  [
    "content_block_start",
    '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
  ],
  ["ping", '{"type": "ping"}'],
  ...[
    "Okay",
    ",",
    " let",
    "'s",
    " check",
    " the",
    " weather",
    " for",
    " San",
    " Francisco",
    ",",
    " CA",
    ":",
  ].map(textDelta),
  ["content_block_stop", '{"type":"content_block_stop","index":0}'],
  [
    "content_block_start",
    '{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_01T1x1fJ34qAmk2tNTrN7Up6","name":"get_weather","input":{}}}',
  ],
  ...["", '{"location":', ' "San', " Francisc", "o,", ' CA"', ", ", '"unit": "fah', 'renheit"}'].map(
    jsonDelta,
  ),
  ["content_block_stop", '{"type":"content_block_stop","index":1}'],
  [
    "message_delta",
    '{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":89}}',
  ],
  ["message_stop", '{"type":"message_stop"}'],
]);

const anthropicOverloaded =
  '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}';

const chatChunk = (choices: string, more = ""): string =>
  `data: {"id":"chatcmpl-123","object":"chat.completion.chunk","created":1694268190,"model":"gpt-4o-mini","system_fingerprint":"fp_44709d6fcb","choices":${choices}${more}}\n\n`;
const callDelta = (json: string) =>
  chatChunk(
    `[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":${JSON.stringify(json)}}}]},"logprobs":null,"finish_reason":null}]`,
    ',"usage":null',
  );

/** Chat completions: a call whose arguments come in pieces, and the usage in a chunk without choices. */
const chatToolCall = [
  chatChunk(
    '[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_DdmO9pD3xa9XTPNJ32zg2hcA","type":"function","function":{"name":"get_weather","arguments":""}}],"refusal":null},"logprobs":null,"finish_reason":null}]',
    ',"usage":null',
  ),
  ...['{"', "location", '":"', "Paris", ",", " France", '"}'].map(callDelta),
  chatChunk('[{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}]', ',"usage":null'),
  chatChunk(
    "[]",
    ',"usage":{"prompt_tokens":82,"completion_tokens":17,"total_tokens":99,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}',
  ),
  "data: [DONE]\n\n",
].join("");

const openaiRateLimit =
  '{\n    "error": {\n        "message": "Rate limit reached for gpt-4o-mini in organization org-abcdefghijklmnopqrstuvwx on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s.",\n        "type": "requests",\n        "param": null,\n        "code": "rate_limit_exceeded"\n    }\n}\n';

const begun =
  '"id":"resp_67c9fdcecf488190bdd9a0409de3a1ec07b8b0ad4e5eb654","object":"response","created_at":1741290958';
const settings =
  '"error":null,"incomplete_details":null,"instructions":"You are a helpful assistant.","max_output_tokens":null,"model":"gpt-4.1-2025-04-14"';
const rest =
  '"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{"effort":null,"summary":null},"store":true,"temperature":1.0,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":1.0,"truncation":"disabled"';
const unfinished = `{${begun},"status":"in_progress",${settings},"output":[],${rest},"usage":null,"user":null,"metadata":{}}`;
const itemId = "msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654";
const greeting = "Hi there! How can I assist you today?";
const part = `{"type":"output_text","text":"${greeting}","annotations":[]}`;
const item = `{"id":"${itemId}","type":"message","status":"completed","role":"assistant","content":[${part}]}`;

/** OpenAI's responses: a greeting, word by word. */
const responsesGreeting = events([
  ["response.created", `{"type":"response.created","response":${unfinished}}`],
  ["response.in_progress", `{"type":"response.in_progress","response":${unfinished}}`],
  [
    "response.output_item.added",
    `{"type":"response.output_item.added","output_index":0,"item":{"id":"${itemId}","type":"message","status":"in_progress","role":"assistant","content":[]}}`,
  ],
  [
    "response.content_part.added",
    `{"type":"response.content_part.added","item_id":"${itemId}","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}`,
  ],
  ...["Hi", " there", "!", " How", " can", " I", " assist", " you", " today", "?"].map(
    (delta) =>
      [
        "response.output_text.delta",
        `{"type":"response.output_text.delta","item_id":"${itemId}","output_index":0,"content_index":0,"delta":"${delta}"}`,
      ] as const,
  ),
  [
    "response.output_text.done",
    `{"type":"response.output_text.done","item_id":"${itemId}","output_index":0,"content_index":0,"text":"${greeting}"}`,
  ],
  [
    "response.content_part.done",
    `{"type":"response.content_part.done","item_id":"${itemId}","output_index":0,"content_index":0,"part":${part}}`,
  ],
  ["response.output_item.done", `{"type":"response.output_item.done","output_index":0,"item":${item}}`],
  [
    "response.completed",
    `{"type":"response.completed","response":{${begun},"status":"completed",${settings},"output":[${item}],${rest},"usage":{"input_tokens":37,"output_tokens":11,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":48},"user":null,"metadata":{}}}`,
  ],
]);

const geminiChunk = (parts: string, finish: string, usage: string): string =>
  `data: {"candidates": [{"content": {"parts": [${parts}],"role": "model"}${finish},"index": 0}],"usageMetadata": {${usage}},"modelVersion": "gemini-2.5-flash","responseId": "mAitaLmkHPPlz7IPvtfUqQ4"}\r\n\r\n`;

/** Gemini: blanks and line ends as its server writes them, a text of several languages, and a call without an id. */
const geminiFunctionCall = [
  geminiChunk(
    '{"text": "Grüße — "}',
    "",
    '"promptTokenCount": 61,"totalTokenCount": 61,"promptTokensDetails": [{"modality": "TEXT","tokenCount": 61}]',
  ),
  geminiChunk(
    '{"text": "我看看。"}',
    "",
    '"promptTokenCount": 61,"candidatesTokenCount": 4,"totalTokenCount": 65',
  ),
  geminiChunk(
    '{"functionCall": {"name": "get_weather","args": {"location": "London"}}}',
    ',"finishReason": "STOP"',
    '"promptTokenCount": 61,"candidatesTokenCount": 19,"totalTokenCount": 80,"promptTokensDetails": [{"modality": "TEXT","tokenCount": 61}]',
  ),
].join("");

const geminiExhausted = JSON.stringify(
  {
    error: {
      code: 429,
      message: "You exceeded your current quota, please check your plan and billing details.",
      status: "RESOURCE_EXHAUSTED",
      details: [
        {
          "@type": "type.googleapis.com/google.rpc.QuotaFailure",
          violations: [
            { quotaMetric: "generativelanguage.googleapis.com/generate_requests", quotaValue: "5" },
          ],
        },
        { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "3s" },
      ],
    },
  },
  null,
  2,
);

const sse = { "content-type": "text/event-stream; charset=utf-8" };
const json = { "content-type": "application/json" };
const utf8 = (text: string) => new TextEncoder().encode(text);

/** Cut every so many bytes, wherever that is: within lines, names and characters. */
function everyBytes(text: string, length: number): Uint8Array[] {
  const bytes = utf8(text);
  return Array.from({ length: Math.ceil(bytes.length / length) }, (_, index) =>
    bytes.slice(index * length, (index + 1) * length),
  );
}

const streamed = (text: string, bytes = 97) => ({ raw: everyBytes(text, bytes), status: 200, headers: sse });
const refused = (text: string, status: number, headers: object = {}) => ({
  raw: [utf8(text)],
  status,
  headers: { ...json, ...headers },
});

/** Answers of each provider in a row: a refusal that helps to wait for, and what comes then. */
export const documentedAnswers = {
  anthropic: [refused(anthropicOverloaded, 529), streamed(anthropicToolUse)],
  openai: [streamed(responsesGreeting)],
  "openai-chat": [refused(openaiRateLimit, 429, { "retry-after": "1" }), streamed(chatToolCall)],
  google: [refused(geminiExhausted, 429), streamed(geminiFunctionCall, 61)],
} as const;
