import { ToolError } from "../tools/tool-error.ts";

/** Why a tool of a server could not be used, for models in words and for agents that are no model as an outcome. */
export class McpToolError extends ToolError {
  readonly code: "timeout" | "unreachable" | "server_failed" | "tool_changed" | "server_closed";
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: McpToolError["code"],
    message: string,
    { cause, retryAfterMs }: { cause?: unknown; retryAfterMs?: number } = {},
  ) {
    super(message, { cause });
    this.name = "McpToolError";
    this.code = code;
    this.retryable = code !== "tool_changed";
    this.retryAfterMs = retryAfterMs;
  }
}
