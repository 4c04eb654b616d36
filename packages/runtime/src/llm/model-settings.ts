/**
 * Which models there are, as values: the process that has an environment and files hands them in. `readModelSettings`
 * makes them of what a configuration file says.
 */
export interface ModelSettings {
  /** In the order in which they are preferred, all else being equal. */
  providers: readonly ProviderSettings[];
  /** Names of one's own for models, and other meanings for those that are built in (`fast`, `smart`, `sonnet`, …). */
  aliases?: Readonly<Record<string, AliasSettings>>;
  /** What `inherit` means, and a request that names no model (`smart`). */
  defaultModel?: string;
  /** Models to try, by the model that failed: for those that were asked for by their name and not by an alias. */
  fallbacks?: Readonly<Record<string, readonly string[]>>;
  /**
   * Name of the environment variable with the address of the Redis through which nodes share limits and breakers. Where it is
   * not given or not set, this process is alone.
   */
  redisVariable?: string;
  /** By `provider/model` or by model. They come before those of the price table. */
  prices?: Readonly<Record<string, ModelPrices>>;
}

export type ProviderKind = "anthropic" | "openai" | "openai-chat" | "google" | "compatible";

export interface ProviderSettings {
  /** Names it in `provider/model`, in logs and in shared limits. */
  name: string;
  /**
   * Its wire format: `openai` are responses, `openai-chat` chat completions; `compatible` are the chat completions of any
   * other server (Ollama, vLLM, llama.cpp, …).
   */
  kind: ProviderKind;
  /** With version, without a slash at the end; by default the provider's own. A compatible server needs it. */
  baseURL?: string;
  /** Name of the environment variable that holds its key. By default the usual one of its kind; null: it needs none. */
  keyVariable?: string | null;
  headers?: Readonly<Record<string, string>>;
  /** Models that it has. Providers with a family (`claude-…`) take all of that, too; a compatible one has these only. */
  models?: readonly ModelDescription[];
  /** Over all nodes that share limits; what is not given is not limited. */
  requestsPerMinute?: number;
  /** Of input and output together. */
  tokensPerMinute?: number;
  timeouts?: Partial<ProviderTimeouts>;
  /** False: it can't stream, or not with tools (true). */
  streaming?: boolean;
  /** Compatible servers: it can answer by a JSON Schema (false). */
  structuredOutput?: boolean;
}

export interface ModelDescription {
  id: string;
  /** Most tokens of input and output together; by default what the price table knows. */
  contextTokens?: number;
}

export interface ProviderTimeouts {
  /** Until the first piece of an answer (60,000). */
  firstMs: number;
  /** Between pieces (60,000). */
  idleMs: number;
  /** For all of it (600,000). */
  totalMs: number;
}

export interface AliasSettings {
  /** `provider/model`, or a model wherever there is one. */
  models: readonly string[];
  /** `listed`: the first that can; `cheapest` by the price table; `fastest` as measured (`listed`). */
  order?: AliasOrder;
}

export type AliasOrder = "listed" | "cheapest" | "fastest";

/** US dollars for a million tokens. */
export interface ModelPrices {
  input: number;
  output: number;
  /** By default as `input`. */
  cacheRead?: number;
  /** By default as `input`. */
  cacheWrite?: number;
}

export const defaultTimeouts: ProviderTimeouts = { firstMs: 60_000, idleMs: 60_000, totalMs: 600_000 };

const keyVariables: Readonly<Record<ProviderKind, string | null>> = {
  anthropic: "ANTHROPIC_API_KEY",
  openai: "OPENAI_API_KEY",
  "openai-chat": "OPENAI_API_KEY",
  google: "GEMINI_API_KEY",
  compatible: null,
};

/** The variable that holds a provider's key; null where it needs none. */
export const keyVariableOf = ({ kind, keyVariable }: ProviderSettings): string | null =>
  keyVariable === undefined ? keyVariables[kind] : keyVariable;

/** What there is without any configuration: the three providers, if their keys are there. */
export const defaultProviders: readonly ProviderSettings[] = [
  { name: "anthropic", kind: "anthropic" },
  { name: "openai", kind: "openai" },
  { name: "google", kind: "google" },
];
