import { createConfiguredAgent } from "@muster/agents";
import type { AgentDefinition, RunningAgent } from "@muster/sdk";
import type { ConfiguredAgents } from "./configured-agents.ts";
import type { RunningMcp } from "./open-mcp.ts";

interface FollowOptions {
  mcp: RunningMcp;
  configured: ConfiguredAgents;
  start: (definition: AgentDefinition) => Promise<RunningAgent>;
  say: (sentence: string) => void;
}

/** What an agent has under way when its tool changes is done by another attempt. */
const changeGraceMs = 2_000;

/**
 * Agents that are tools of MCP servers are there while their tool is: one whose server is approved later joins then, one
 * whose tool goes away leaves, one whose tool has other arguments joins anew with these. Returns what ends that.
 */
export async function followMcpAgents({
  mcp,
  configured,
  start,
  say,
}: FollowOptions): Promise<() => Promise<void>> {
  const agents = configured.agents.filter((agent) => agent.kind === "mcp");
  const running = new Map<string, { agent: RunningAgent; as: string }>();
  const told = new Set<string>();
  let turn: Promise<void> = Promise.resolve();
  let isOver = false;
  const look = async (): Promise<void> => {
    for (const agent of agents) {
      if (isOver) return;
      const key = JSON.stringify([agent.name, agent.version]);
      const tool = mcp.find(agent.mcp.server, agent.mcp.tool);
      const { description, inputSchema, outputSchema } = tool ?? {};
      const as = tool === undefined ? undefined : JSON.stringify([description, inputSchema, outputSchema]);
      const before = running.get(key);
      if (before?.as === as) {
        if (as === undefined && !told.has(key)) {
          told.add(key);
          const { server, tool: name } = agent.mcp;
          say(`the agent ${agent.name} joins once the MCP server ${server} offers a tool ${name}`);
        }
        continue;
      }
      running.delete(key);
      await before?.agent.stop(changeGraceMs);
      if (as === undefined) say(`the agent ${agent.name} left: its tool ${agent.mcp.tool} is gone`);
      else {
        const definition = createConfiguredAgent(agent, { ...configured, mcpTool: mcp.find });
        running.set(key, { agent: await start(definition), as });
      }
    }
  };
  const lookSafely = (): void => {
    turn = turn
      .then(look)
      .catch((error: unknown) =>
        say(`an agent that is a tool of an MCP server could not be started: ${error}`),
      );
  };
  await look();
  const stopListening = mcp.onChange(lookSafely);
  // What changed while the first ones joined.
  lookSafely();
  return async () => {
    isOver = true;
    stopListening();
    await turn;
  };
}
