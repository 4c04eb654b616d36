import type { AgentDefinition, Capability, TaskContext } from "@muster/sdk";
import { createA2aAgent } from "./a2a/create-a2a-agent.ts";
import { callEndpoint } from "./call-endpoint.ts";
import { callMcpTool, type McpAgentTool } from "./call-mcp-tool.ts";
import { type ClaudeAgentSdk, loadClaudeAgentSdk } from "./claude-code/claude-agent-sdk.ts";
import { runClaudeCode } from "./claude-code/run-claude-code.ts";
import type { ConfiguredAgent } from "./configured-agent.ts";
import { runCommand } from "./run-command.ts";

export interface ConfiguredSurroundings {
  /** Where relative paths begin: the folder of the file. */
  folder?: string;
  /** What variables are taken from. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Loads Claude Code's own package, for a file in this folder: what is installed, by default. */
  loadClaudeCode?: (folder: string) => Promise<ClaudeAgentSdk>;
  /** Finds a tool of an MCP server as it is now; undefined where there is none. */
  mcpTool?: (server: string, tool: string) => McpAgentTool | undefined;
}

/**
 * An agent from configuration alone: any command, HTTP endpoint, tool of an MCP server, remote agent or Claude Code itself
 * that does what a capability says. The old way of working becomes one side of a rollout like this. To the orchestrator it is an agent like any other.
 */
export function createConfiguredAgent(
  agent: ConfiguredAgent,
  {
    folder = process.cwd(),
    env = {},
    mcpTool = () => undefined,
    loadClaudeCode = loadClaudeAgentSdk,
  }: ConfiguredSurroundings = {},
): AgentDefinition {
  if (agent.kind === "a2a") return createA2aAgent(agent, env);
  const work = (capability: Capability, context: TaskContext): Promise<unknown> => {
    if (agent.kind === "command") return runCommand(agent, context, folder, env);
    if (agent.kind === "http") return callEndpoint(agent, context, env);
    if (agent.kind === "claude-code")
      return runClaudeCode(agent, capability, context, { folder, env, load: loadClaudeCode });
    return callMcpTool(agent, mcpTool(agent.mcp.server, agent.mcp.tool), context);
  };
  const { name, version, maxConcurrency, capabilities } = agent;
  const tool = agent.kind === "mcp" ? mcpTool(agent.mcp.server, agent.mcp.tool) : undefined;
  const said: Partial<Pick<McpAgentTool, "description" | "inputSchema" | "outputSchema">> =
    tool === undefined ? {} : saidBy(tool);
  const description = agent.description ?? said.description;
  return {
    name,
    ...(version === undefined ? {} : { version }),
    ...(description === undefined ? {} : { description }),
    ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
    ...(agent.kind === "claude-code" ? { type: "claude" } : {}),
    metadata: { kind: agent.kind },
    capabilities: capabilities.map((one) => {
      const capability = { ...said, ...(typeof one === "string" ? { name: one } : one) };
      return { ...capability, handler: (context: TaskContext) => work(capability, context) };
    }),
  };
}

/** What a tool says of itself stands where the file says nothing. */
function saidBy({ description, inputSchema, outputSchema }: McpAgentTool) {
  return {
    ...(description === "" ? {} : { description }),
    inputSchema,
    ...(outputSchema === undefined ? {} : { outputSchema }),
  };
}
