import type {
  ClaudeAgentSdk,
  ClaudeMessage,
  QueryOptions,
  ResultMessage,
} from "../configured/claude-code/claude-agent-sdk.ts";
import type { ClaudeCodeAgent } from "../configured/configured-agent.ts";
import { createConfiguredAgent } from "../configured/create-configured-agent.ts";
import type { JournaledTask } from "./journaled-task.ts";

const facts = {
  type: "result" as const,
  is_error: false,
  num_turns: 2,
  duration_ms: 10,
  duration_api_ms: 8,
  session_id: "s",
  uuid: "u",
  total_cost_usd: 0.0123,
  usage: { input_tokens: 10, output_tokens: 5 },
  permission_denials: [],
  modelUsage: {
    "claude-opus-4-7": {
      inputTokens: 10,
      outputTokens: 5,
      cacheReadInputTokens: 100,
      cacheCreationInputTokens: 7,
      costUSD: 0.0123,
    },
  },
};
export const success = (result: string, more: object = {}): ResultMessage => ({
  ...facts,
  subtype: "success",
  result,
  ...more,
});
export const failure = (
  subtype: "error_max_turns" | "error_max_budget_usd" | "error_during_execution",
  error: string,
) => ({ ...facts, subtype, is_error: true, errors: [error] }) as ResultMessage;
export const says = (text: string, more: object = {}): ClaudeMessage => ({
  type: "assistant",
  message: { content: [{ type: "text", text }] },
  parent_tool_use_id: null,
  ...more,
});

type Script = (call: { prompt: string; options: QueryOptions }) => AsyncIterable<ClaudeMessage>;

/** The package, as far as it is used: each call is written down and answered by the script. */
export function fakeSdk(script: Script) {
  const calls: { prompt: string; options: QueryOptions }[] = [];
  const sdk: ClaudeAgentSdk = {
    query(call) {
      calls.push(call);
      return script(call);
    },
  };
  return { calls, sdk };
}

export const capability = (outputSchema?: Record<string, unknown>) => ({
  name: "change",
  description: "Changes files.",
  ...(outputSchema && { outputSchema }),
});

export function handlerOf(sdk: ClaudeAgentSdk, more: Partial<ClaudeCodeAgent> = {}) {
  const definition = createConfiguredAgent(
    { kind: "claude-code", name: "coder", capabilities: [capability()], ...more },
    {
      folder: "/srv/shop",
      env: { PATH: "/bin", SECRET: "hidden", TOKEN: "shown", ANTHROPIC_API_KEY: "key" },
      loadClaudeCode: async () => sdk,
    },
  );
  return (task: JournaledTask, signal?: AbortSignal) =>
    definition.capabilities[0]?.handler(task.attempt(signal)) as Promise<unknown>;
}

export async function* stream(...messages: ClaudeMessage[]): AsyncGenerator<ClaudeMessage> {
  yield { type: "system" };
  yield* messages;
}

/** Goes on until it is told to stop, as the package does: it throws then. */
export async function* endless({ options }: { options: QueryOptions }): AsyncGenerator<ClaudeMessage> {
  const { signal } = options.abortController;
  yield says("thinking");
  await new Promise<void>((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("aborted by user")), { once: true });
  });
}
