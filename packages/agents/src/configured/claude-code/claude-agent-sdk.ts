/**
 * What is used of `@anthropic-ai/claude-agent-sdk`, in its own words. Its licence is not one of those that Muster's
 * dependencies have, so it is installed by whoever wants it, and is no dependency; nor are its types.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { WorkError } from "../work-error.ts";

export type PermissionMode = "default" | "acceptEdits" | "bypassPermissions" | "plan" | "dontAsk" | "auto";

export type PermissionResult =
  | { behavior: "allow"; updatedInput?: Record<string, unknown> }
  | { behavior: "deny"; message: string; interrupt?: boolean };

export interface PermissionRequest {
  signal: AbortSignal;
  toolUseID: string;
  title?: string;
  blockedPath?: string;
  decisionReason?: string;
}

export interface QueryOptions {
  abortController: AbortController;
  cwd: string;
  env: Record<string, string | undefined>;
  model?: string;
  maxTurns?: number;
  maxBudgetUsd?: number;
  permissionMode: PermissionMode;
  allowDangerouslySkipPermissions?: boolean;
  tools?: string[];
  allowedTools: string[];
  disallowedTools: string[];
  systemPrompt: { type: "preset"; preset: "claude_code"; append?: string };
  settingSources: ("user" | "project" | "local")[];
  strictMcpConfig: boolean;
  outputFormat?: { type: "json_schema"; schema: Record<string, unknown> };
  canUseTool: (
    tool: string,
    input: Record<string, unknown>,
    request: PermissionRequest,
  ) => Promise<PermissionResult>;
  /** The id of a new session, or of the one to go on with; never both. */
  sessionId?: string;
  resume?: string;
  stderr: (data: string) => void;
}

export interface ContentBlock {
  type: string;
  text?: string;
  name?: string;
  input?: unknown;
}

export interface AssistantMessage {
  type: "assistant";
  message: { content: string | readonly ContentBlock[] };
  parent_tool_use_id: string | null;
  error?: string;
}

interface ModelUsage {
  inputTokens: number;
  outputTokens: number;
  cacheReadInputTokens: number;
  cacheCreationInputTokens: number;
}

interface ResultFacts {
  type: "result";
  is_error: boolean;
  num_turns: number;
  /** Of the whole session, also of what an earlier process did of it. */
  total_cost_usd: number;
  modelUsage: Record<string, ModelUsage>;
}

export type ResultMessage =
  | (ResultFacts & {
      subtype: "success";
      result: string;
      structured_output?: unknown;
      api_error_status?: number | null;
    })
  | (ResultFacts & {
      subtype:
        | "error_during_execution"
        | "error_max_turns"
        | "error_max_budget_usd"
        | "error_max_structured_output_retries";
      errors: string[];
    });

/** A message of the stream. There are many more kinds, which say nothing to us. */
export type ClaudeMessage = AssistantMessage | ResultMessage | { type: string };

export interface ClaudeAgentSdk {
  query(params: { prompt: string; options: QueryOptions }): AsyncIterable<ClaudeMessage>;
}

const packageName = "@anthropic-ai/claude-agent-sdk";

/** Loads the package from where Muster is installed, else from the folder of the file that names it. */
export async function loadClaudeAgentSdk(folder: string): Promise<ClaudeAgentSdk> {
  for (const from of [import.meta.url, pathToFileURL(join(folder, "muster.yaml")).href]) {
    const path = resolved(from);
    if (path === undefined) continue;
    try {
      return (await import(pathToFileURL(path).href)) as ClaudeAgentSdk;
    } catch (error) {
      throw new WorkError("not_started", `${packageName} can't be loaded: ${(error as Error).message}`, {
        retryable: false,
      });
    }
  }
  throw new WorkError(
    "not_installed",
    `${packageName} is not installed here. It comes under Anthropic's own terms, and not with Muster: ` +
      `run "npm install ${packageName}" in ${folder}, or where Muster is installed.`,
    { retryable: false },
  );
}

function resolved(from: string): string | undefined {
  try {
    return createRequire(from).resolve(packageName);
  } catch {
    return undefined;
  }
}
