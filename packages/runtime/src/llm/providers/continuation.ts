import type { LanguageModelV3Message, SharedV3ProviderMetadata } from "@ai-sdk/provider";

/**
 * What a provider needs back with a turn: the parts that it gave, with what it sealed or signed in them. It is part of
 * the journal, and good only for the model that it came from; others get the text and the calls.
 */
export interface Continuation {
  provider: string;
  model: string;
  parts: readonly ContinuationPart[];
}

export type ContinuationPart = (
  | { type: "text"; text: string }
  | { type: "reasoning"; text: string }
  | { type: "tool-call"; toolCallId: string; toolName: string; input: unknown }
) & { providerOptions?: SharedV3ProviderMetadata };

type AssistantContent = Extract<LanguageModelV3Message, { role: "assistant" }>["content"];

/** Null where the turn was given by somebody else, or where there is nothing to give back. */
export function partsOf(continuation: unknown, provider: string, model: string): AssistantContent | null {
  const known = continuation as Partial<Continuation> | null | undefined;
  if (known?.provider !== provider || known.model !== model || !Array.isArray(known.parts)) return null;
  return known.parts.length === 0 ? null : [...(known.parts as AssistantContent)];
}

/** Undefined where text and calls say all that there is. */
export function continuationOf(
  provider: string,
  model: string,
  parts: readonly ContinuationPart[],
): Continuation | undefined {
  const saysMore = parts.some(
    ({ type, providerOptions }) => type === "reasoning" || providerOptions !== undefined,
  );
  return saysMore ? { provider, model, parts: parts.filter(isWorthKeeping) } : undefined;
}

const isWorthKeeping = (part: ContinuationPart): boolean => part.type !== "text" || part.text !== "";
