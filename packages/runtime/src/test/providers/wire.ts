import type { Answer, AskedMessage, AskedRequest, Failure, ScriptedUsage } from "./script.ts";

/** How one provider's format reads requests and writes answers. */
export interface WireFormat {
  read(body: Record<string, unknown>, path: string): ReadRequest;
  /** The answer as one JSON document. */
  whole(answer: SpokenAnswer): unknown;
  /** The answer as server-sent events, each complete with its empty line. */
  events(answer: SpokenAnswer): string[];
  /** The body of a refusal. */
  failure(failure: Failure): unknown;
  /** An event that says, in the middle of a stream, that the provider failed. */
  brokenEvent(message: string): string;
}

export type ReadRequest = Pick<AskedRequest, "model" | "stream" | "system" | "messages" | "tools">;

/** An answer with all that the script left open. */
export interface SpokenAnswer {
  /** Names this answer among all of the server. */
  id: string;
  model: string;
  text: string;
  /** The text as it is streamed. */
  pieces: readonly string[];
  reasoning: string;
  toolCalls: readonly { id: string; name: string; input: unknown }[];
  finish: "stop" | "tool-calls" | "length" | "refused";
  usage: ScriptedUsage;
  /** The client asked that a stream of chat completions says what was used. */
  saysUsage: boolean;
}

const usual: ScriptedUsage = {
  inputTokens: 100,
  outputTokens: 20,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
};

export function speak(answer: Answer, asked: AskedRequest, id: string): SpokenAnswer {
  const { text = "", reasoning = "", toolCalls = [] } = answer;
  const options = asked.body.stream_options as { include_usage?: boolean } | undefined;
  return {
    id,
    model: asked.model,
    text,
    pieces: cut(text, answer.pieces ?? 3),
    reasoning,
    toolCalls: toolCalls.map(({ id: given, name, input }, index) => ({
      id: given ?? `call_${asked.turn}_${index}`,
      name,
      input,
    })),
    finish: answer.finish ?? (toolCalls.length > 0 ? "tool-calls" : "stop"),
    usage: { ...usual, ...answer.usage },
    saysUsage: options?.include_usage === true,
  };
}

/** Cut between characters, so that the pieces are texts. */
function cut(text: string, pieces: number): string[] {
  const characters = [...text];
  const length = Math.max(1, Math.ceil(characters.length / Math.max(1, pieces)));
  return Array.from({ length: Math.ceil(characters.length / length) }, (_, index) =>
    characters.slice(index * length, (index + 1) * length).join(""),
  );
}

export const dataEvent = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`;
export const namedEvent = (name: string, data: object): string =>
  `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`;

export const message = (
  role: AskedMessage["role"],
  { text = "", toolCalls = [], results = [] }: Partial<Omit<AskedMessage, "role">>,
): AskedMessage => ({ role, text, toolCalls, results });

/** Formats that write the parts of one answer as items of their own: those in a row become one message. */
export function joined(messages: readonly AskedMessage[]): AskedMessage[] {
  const out: AskedMessage[] = [];
  for (const next of messages) {
    const last = out.at(-1);
    if (last === undefined || last.role !== next.role || next.role === "user") out.push(next);
    else out[out.length - 1] = join(last, next);
  }
  return out;
}

const join = (a: AskedMessage, b: AskedMessage): AskedMessage => ({
  role: a.role,
  text: a.text + b.text,
  toolCalls: [...a.toolCalls, ...b.toolCalls],
  results: [...a.results, ...b.results],
});

/** Texts of content that is a text or a list of parts. */
export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: { text?: unknown }) => (typeof part.text === "string" ? part.text : "")).join("");
}

export const list = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? (value as Record<string, unknown>[]) : [];
