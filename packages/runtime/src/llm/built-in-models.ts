import type { AliasSettings, ProviderKind } from "./model-settings.ts";

/**
 * What the built-in aliases mean. Those of `.claude` files lead to Claude first, and to the nearest model of somebody else
 * where there is no key for it: an agent that asks for `sonnet` works on a machine that has a key of OpenAI alone.
 * The models of compatible servers come last, in the order in which they are configured.
 */
export const builtInAliases: Readonly<Record<string, AliasSettings>> = {
  smart: {
    models: ["anthropic/claude-opus-5-5", "openai/gpt-6-astra", "google/gemini-3.1-pro-preview"],
  },
  fast: {
    models: ["anthropic/claude-haiku-4-5", "openai/gpt-6-luna", "google/gemini-3.5-flash"],
    order: "fastest",
  },
  cheap: {
    models: ["openai/gpt-6-luna", "google/gemini-3.5-flash-lite", "anthropic/claude-haiku-4-5"],
    order: "cheapest",
  },
  sonnet: { models: ["anthropic/claude-sonnet-5", "openai/gpt-6-sol", "google/gemini-3.1-pro-preview"] },
  opus: { models: ["anthropic/claude-opus-5-5", "openai/gpt-6-astra", "google/gemini-3.1-pro-preview"] },
  haiku: { models: ["anthropic/claude-haiku-4-5", "openai/gpt-6-luna", "google/gemini-3.5-flash-lite"] },
  fable: { models: ["anthropic/claude-fable-5-1", "openai/gpt-6-astra", "google/gemini-3.1-pro-preview"] },
};

/** What a request means that names no model, or `inherit`. */
export const defaultAlias = "smart";

/** Names of models that a provider of this kind has, without being told so. */
export const families: Readonly<Record<ProviderKind, RegExp | null>> = {
  anthropic: /^claude-/,
  openai: /^(gpt-|chatgpt-|o\d)/,
  "openai-chat": /^(gpt-|chatgpt-|o\d)/,
  google: /^(gemini-|gemma-)/,
  compatible: null,
};
