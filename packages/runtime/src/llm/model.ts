/**
 * What the agent loop needs of a language model, in words of our own: they go into the journal, where they must outlive
 * the version of any provider's package. The router fills this port with real providers.
 */
export interface Model {
  /**
   * One turn. Rejects with a `ModelError` where no provider gave one; nothing of a turn that broke off half way is
   * answered, since it could not be told from a whole one.
   */
  generate(request: ModelRequest, options?: ModelCallOptions): Promise<ModelTurn>;
  /**
   * What the price table knows of a request before it is made, so that budgets can refuse it. Where it is left out, or
   * null because the model is not known, budgets count afterwards what a turn cost.
   */
  estimate?(request: ModelRequest): ModelEstimate | null;
}

/** What one turn may come to. */
export interface ModelEstimate {
  /** The most that it can cost, in millionths of a US dollar; null where no price is known. */
  mostCostMicros: number | null;
  /** How many tokens the model takes, input and output together; null where that is not known. */
  contextTokens: number | null;
}

export interface ModelRequest {
  /** A model (`claude-sonnet-5`, `openai/gpt-6`) or an alias (`fast`, `smart`, `cheap`, `sonnet`, …). */
  model: string;
  system: string;
  messages: readonly ModelMessage[];
  tools: readonly ToolSpec[];
  /** Most tokens of the answer. */
  maxOutputTokens: number;
  temperature?: number;
  /** The answer's text has to be JSON of this schema, where the provider can be told so; check it all the same. */
  outputSchema?: Record<string, unknown>;
}

export interface ModelCallOptions {
  signal?: AbortSignal;
  /** Text as it comes. What was streamed of a call that is then made elsewhere is taken back by `restarted`. */
  onText?: (delta: string) => void;
  onRestarted?: () => void;
}

export type ModelMessage =
  | { role: "user"; content: string }
  | { role: "assistant"; content: string; toolCalls: readonly ToolCall[]; continuation?: unknown }
  | { role: "tool"; results: readonly ToolCallResult[] };

export interface ToolSpec {
  name: string;
  description: string;
  /** JSON Schema of the arguments. */
  inputSchema: Record<string, unknown>;
}

export interface ToolCall {
  /** Stable: the same after a replay, and what a tool may use as the key of its effect. */
  id: string;
  name: string;
  input: unknown;
}

export interface ToolCallResult {
  toolCallId: string;
  name: string;
  /** What the model reads. */
  content: string;
  isError: boolean;
}

export interface ModelTurn {
  text: string;
  toolCalls: readonly ToolCall[];
  finish: "stop" | "tool-calls" | "length" | "refused" | "other";
  usage: ModelUsage;
  /** The provider and model that answered, for example `anthropic` and `claude-sonnet-5`. */
  provider: string;
  model: string;
  /** Millionths of a US dollar, by the price table; null where the table does not know the model. */
  costMicros: number | null;
  /** JSON that the same provider needs back with this turn (such as signed reasoning); opaque to everybody else. */
  continuation?: unknown;
}

export interface ModelUsage {
  inputTokens: number;
  outputTokens: number;
  /** Of the input, read from the provider's cache. */
  cachedInputTokens: number;
  /** Of the input, written to the provider's cache. */
  cacheWriteTokens: number;
  /** The provider did not say what it used: the tokens are estimates, and the cost is not known. */
  isEstimated?: boolean;
}

/** Why no provider gave a turn. */
export type ModelErrorCode =
  | "no_provider"
  | "unknown_model"
  | "rate_limited"
  | "overloaded"
  | "provider_unavailable"
  | "provider_timeout"
  | "context_overflow"
  | "unauthenticated"
  | "no_credit"
  | "invalid_request"
  | "cancelled";

export interface ModelErrorOptions extends ErrorOptions {
  retryable: boolean;
  retryAfterMs?: number;
  /** What to do about it. */
  hint?: string;
}

/** No provider gave a turn; an agent that throws it fails its attempt with this code, and is retried where that helps. */
export class ModelError extends Error {
  readonly code: ModelErrorCode;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly hint: string | undefined;

  constructor(code: ModelErrorCode, message: string, options: ModelErrorOptions) {
    super(message, options);
    this.name = "ModelError";
    this.code = code;
    this.retryable = options.retryable;
    this.retryAfterMs = options.retryAfterMs;
    this.hint = options.hint;
  }
}
