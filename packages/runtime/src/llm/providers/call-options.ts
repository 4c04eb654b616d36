import type {
  JSONObject,
  LanguageModelV3CallOptions,
  LanguageModelV3FunctionTool,
  LanguageModelV3Message,
} from "@ai-sdk/provider";
import type { ModelMessage, ModelRequest, ToolCall } from "../model.ts";
import type { ProviderKind, ProviderSettings } from "../model-settings.ts";
import { partsOf } from "./continuation.ts";

/** A request in the words that all packages of providers share. */
export function callOptions(
  request: ModelRequest,
  provider: ProviderSettings,
  model: string,
): LanguageModelV3CallOptions {
  const { kind } = provider;
  const messages = request.messages.map((entry) => messageOf(entry, provider.name, model));
  const system: LanguageModelV3Message[] =
    request.system === "" ? [] : [{ role: "system", content: request.system }];
  const tools = request.tools.map<LanguageModelV3FunctionTool>((tool) => ({
    type: "function",
    ...toolOf(tool),
  }));
  const prompt = [...system, ...messages];
  if (kind === "anthropic") markForCache(prompt, tools);
  return {
    prompt,
    maxOutputTokens: request.maxOutputTokens,
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    ...(tools.length === 0 ? {} : { tools, toolChoice: { type: "auto" } }),
    ...(takesSchema(request, provider)
      ? { responseFormat: { type: "json", name: "answer", schema: request.outputSchema } }
      : {}),
    ...(providerOptions[kind] === undefined ? {} : { providerOptions: { openai: providerOptions[kind] } }),
  };
}

/** Nothing is left at the provider: what it needs back goes along with the conversation. */
const providerOptions: Partial<Record<ProviderKind, JSONObject>> = {
  openai: { store: false, strictJsonSchema: false },
  "openai-chat": { store: false, strictJsonSchema: false },
};

/** Some would answer nothing but the JSON when they should call tools; whoever asked checks the answer all the same. */
function takesSchema({ outputSchema, tools }: ModelRequest, provider: ProviderSettings): boolean {
  if (outputSchema === undefined) return false;
  if (provider.kind === "openai" || provider.kind === "openai-chat") return true;
  return tools.length === 0 && (provider.kind !== "compatible" || provider.structuredOutput === true);
}

const toolOf = ({ name, description, inputSchema }: ModelRequest["tools"][number]) => ({
  name,
  description,
  inputSchema: inputSchema as LanguageModelV3FunctionTool["inputSchema"],
});

function messageOf(entry: ModelMessage, provider: string, model: string): LanguageModelV3Message {
  if (entry.role === "user") return { role: "user", content: [{ type: "text", text: entry.content }] };
  if (entry.role === "tool") {
    const content = entry.results.map(({ toolCallId, name, content: value, isError }) => ({
      type: "tool-result" as const,
      toolCallId,
      toolName: name,
      output: { type: isError ? ("error-text" as const) : ("text" as const), value },
    }));
    return { role: "tool", content };
  }
  const { content: text, toolCalls, continuation } = entry;
  const content = partsOf(continuation, provider, model) ?? [
    // Providers refuse an answer that says nothing at all.
    ...(text === "" && toolCalls.length > 0 ? [] : [{ type: "text" as const, text: text || "…" }]),
    ...toolCalls.map(callPart),
  ];
  return { role: "assistant", content };
}

const callPart = ({ id, name, input }: ToolCall) => ({
  type: "tool-call" as const,
  toolCallId: id,
  toolName: name,
  // What is no object was no valid call; providers want one all the same.
  input: typeof input === "object" && input !== null && !Array.isArray(input) ? input : { invalid: input },
});

const cached = { anthropic: { cacheControl: { type: "ephemeral" } } };

/**
 * Anthropic keeps what stands before a mark for some minutes and takes a tenth of the price for it then. Four marks are
 * allowed: after the tools, after the system prompt, and after the two newest messages that are not the model's own, so
 * that a turn finds what the turn before it left.
 */
function markForCache(prompt: LanguageModelV3Message[], tools: LanguageModelV3FunctionTool[]): void {
  const lastTool = tools.at(-1);
  if (lastTool !== undefined) lastTool.providerOptions = cached;
  const asked = prompt.filter(({ role }) => role === "user" || role === "tool").slice(-2);
  for (const entry of [...prompt.filter(({ role }) => role === "system"), ...asked])
    entry.providerOptions = cached;
}
