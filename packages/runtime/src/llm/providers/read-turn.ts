import type {
  LanguageModelV3Content,
  LanguageModelV3FinishReason,
  LanguageModelV3GenerateResult,
  LanguageModelV3StreamPart,
  LanguageModelV3Usage,
  SharedV3ProviderMetadata,
} from "@ai-sdk/provider";
import type { ModelTurn, ModelUsage, ToolCall } from "../model.ts";
import type { ContinuationPart } from "./continuation.ts";

/** A turn as a provider gave it, whole. */
export interface ReadTurn {
  text: string;
  toolCalls: readonly ToolCall[];
  finish: ModelTurn["finish"];
  /** Null: the provider did not say. */
  usage: ModelUsage | null;
  parts: readonly ContinuationPart[];
}

/** An answer ended before it was over. */
class BrokenAnswer extends Error {
  override readonly name = "BrokenAnswer";
}

/** Most characters of text, reasoning and arguments of one answer. */
const mostCharacters = 8_000_000;
const mostToolCalls = 256;

export interface ReadStreamOptions {
  onText?: (delta: string) => void;
  /** Something came. */
  onPiece: () => void;
}

/**
 * Reads a stream to its end. The packages end the stream of a connection that was closed too early much like a whole one:
 * without a reason to end, or with none that the provider gave. Both are refused here.
 */
export async function readStream(
  stream: AsyncIterable<LanguageModelV3StreamPart>,
  { onText, onPiece }: ReadStreamOptions,
): Promise<ReadTurn> {
  const parts = createParts();
  let finish: Extract<LanguageModelV3StreamPart, { type: "finish" }> | undefined;
  for await (const part of stream) {
    // This one the package sends by itself, before anything came.
    if (part.type !== "stream-start") onPiece();
    if (part.type === "error") throw part.error;
    if (part.type === "finish") finish = part;
    if (part.type === "text-delta" && part.delta !== "") onText?.(part.delta);
    parts.add(part);
  }
  if (finish === undefined) throw new BrokenAnswer("The answer broke off before its end.");
  return turnOf(parts.all(), finish.finishReason, finish.usage);
}

export function readWhole({ content, finishReason, usage }: LanguageModelV3GenerateResult): ReadTurn {
  const parts = content.flatMap((part) => partOf(part) ?? []);
  return turnOf(parts, finishReason, usage);
}

function turnOf(
  parts: readonly ContinuationPart[],
  reason: LanguageModelV3FinishReason,
  usage: LanguageModelV3Usage,
): ReadTurn {
  if (reason.unified === "error" || (reason.unified === "other" && reason.raw === undefined)) {
    throw new BrokenAnswer("The answer broke off before its end.");
  }
  const calls = parts.filter((part) => part.type === "tool-call");
  if (calls.length > mostToolCalls)
    throw new BrokenAnswer(`The answer has more than ${mostToolCalls} calls.`);
  const isCut = reason.unified === "length";
  // The arguments of the call in which it was cut are no JSON.
  const kept = parts.filter((part) => !isCut || part.type !== "tool-call" || typeof part.input !== "string");
  const toolCalls = kept
    .filter((part) => part.type === "tool-call")
    .map(({ toolCallId, toolName, input }) => ({ id: toolCallId, name: toolName, input }));
  const text = kept.map((part) => (part.type === "text" ? part.text : "")).join("");
  return { text, toolCalls, finish: finishOf(reason, toolCalls.length), usage: usageOf(usage), parts: kept };
}

function finishOf({ unified }: LanguageModelV3FinishReason, calls: number): ModelTurn["finish"] {
  if (unified === "content-filter") return "refused";
  if (unified === "length") return "length";
  if (calls > 0) return "tool-calls";
  return unified === "stop" ? "stop" : "other";
}

function usageOf({ inputTokens, outputTokens }: LanguageModelV3Usage): ModelUsage | null {
  if (inputTokens.total === undefined || outputTokens.total === undefined) return null;
  const count = (tokens: number | undefined) => Math.max(0, Math.round(tokens ?? 0));
  return {
    inputTokens: count(inputTokens.total),
    outputTokens: count(outputTokens.total),
    cachedInputTokens: count(inputTokens.cacheRead),
    cacheWriteTokens: count(inputTokens.cacheWrite),
  };
}

/** Puts the pieces of a stream together, in the order in which its parts began. */
function createParts() {
  const parts: ContinuationPart[] = [];
  const open = new Map<string, Extract<ContinuationPart, { text: string }>>();
  let characters = 0;

  const count = (text: string): void => {
    characters += text.length;
    if (characters > mostCharacters)
      throw new BrokenAnswer(`The answer has more than ${mostCharacters} characters.`);
  };

  function begin(type: "text" | "reasoning", id: string): Extract<ContinuationPart, { text: string }> {
    const part = { type, text: "" };
    parts.push(part);
    open.set(`${type} ${id}`, part);
    return part;
  }

  return {
    all: (): readonly ContinuationPart[] => parts,
    add(part: LanguageModelV3StreamPart): void {
      const [, type, step] = /^(text|reasoning)-(start|delta|end)$/.exec(part.type) ?? [];
      if (type !== undefined) {
        const { id, delta = "", providerMetadata } = part as { id: string; delta?: string } & WithMetadata;
        const known = step === "start" ? undefined : open.get(`${type} ${id}`);
        const target = known ?? begin(type as "text" | "reasoning", id);
        count(delta);
        target.text += delta;
        addMetadata(target, providerMetadata);
        return;
      }
      if (part.type === "tool-input-delta") count(part.delta);
      const whole = part.type === "tool-call" ? partOf(part) : null;
      if (whole !== null) parts.push(whole);
    },
  };
}

interface WithMetadata {
  providerMetadata?: SharedV3ProviderMetadata;
}

/** What is said at the end of a part comes to what was said at its beginning. */
function addMetadata(part: ContinuationPart, metadata: SharedV3ProviderMetadata | undefined): void {
  if (metadata === undefined) return;
  const known = part.providerOptions ?? {};
  const merged = Object.entries(metadata).map(([key, value]) => [key, { ...known[key], ...value }]);
  part.providerOptions = { ...known, ...Object.fromEntries(merged) };
}

/** What the provider did by itself, sources and files are not asked for, and left out. */
function partOf(content: LanguageModelV3Content): ContinuationPart | null {
  const part = plainPart(content);
  if (part !== null) addMetadata(part, content.providerMetadata);
  return part;
}

function plainPart(content: LanguageModelV3Content): ContinuationPart | null {
  if (content.type === "text" || content.type === "reasoning")
    return { type: content.type, text: content.text };
  if (content.type !== "tool-call" || content.providerExecuted) return null;
  const { toolCallId, toolName, input } = content;
  return { type: "tool-call", toolCallId, toolName, input: argumentsOf(input) };
}

/** What is no JSON stays the text that it is: the schema of the tool refuses it, in words for the model. */
function argumentsOf(json: string): unknown {
  if (json.trim() === "") return {};
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
