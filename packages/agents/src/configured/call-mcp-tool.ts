import type { TaskContext } from "@muster/sdk";
import { configuredDefaults, type McpAgent } from "./configured-agent.ts";
import { WorkError } from "./work-error.ts";

/** A tool of an MCP server, from whoever runs the servers. */
export interface McpAgentTool {
  description: string;
  inputSchema: Record<string, unknown>;
  outputSchema?: Record<string, unknown>;
  /** What it throws says by itself what the attempt failed of. */
  ask(input: unknown, options: { signal: AbortSignal; timeoutMs: number }): Promise<McpAnswer>;
}

interface McpAnswer {
  content: readonly { type: string }[];
  structuredContent?: unknown;
  isError?: boolean | undefined;
}

/** Characters of a tool's complaint that an error shows. */
const shownAnswer = 2_000;

/** Does a task by calling a tool: what it answers structured is the output, else `{"text": …}`. */
export async function callMcpTool(
  agent: McpAgent,
  tool: McpAgentTool | undefined,
  { input, signal }: TaskContext,
): Promise<unknown> {
  if (tool === undefined) {
    const { server, tool: name } = agent.mcp;
    throw new WorkError("unreachable", `The MCP server ${server} offers no tool ${name} here now.`, {
      retryable: true,
    });
  }
  const { timeoutMs, maxOutputBytes } = { ...configuredDefaults, ...agent };
  const { content, structuredContent, isError } = await tool.ask(input ?? {}, { signal, timeoutMs });
  const text = content.map(textOf).join("\n");
  if (isError === true) throw new WorkError("tool_failed", text.slice(0, shownAnswer) || "The tool failed.");
  const output = structuredContent === undefined ? { text } : structuredContent;
  if (Buffer.byteLength(JSON.stringify(output)) > maxOutputBytes) {
    throw new WorkError("output_too_large", `The tool answered with more than ${maxOutputBytes} bytes.`, {
      retryable: false,
    });
  }
  return output;
}

/** Pictures and sounds are no output of a task; that they were there is said. */
function textOf(part: {
  type: string;
  text?: unknown;
  uri?: unknown;
  resource?: { text?: unknown };
}): string {
  const text = part.text ?? part.resource?.text ?? part.uri;
  return typeof text === "string" ? text : `[${part.type}, left out]`;
}
