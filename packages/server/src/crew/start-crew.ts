/**
 * The agents that come from files, wherever they are started: those of `muster.yaml`, those of `.claude`, the models that
 * they think with and the MCP servers whose tools they have. `muster up`, `muster run` and `muster work` differ in what
 * the agents join, and in nothing else.
 */
import { createConfiguredAgent } from "@muster/agents";
import { loadClaudeFolder } from "@muster/runtime/claude-folder";
import type { AgentDefinition, RunningAgent } from "@muster/sdk";
import { startClaudeAgents } from "../start-claude-agents.ts";
import type { ConfiguredAgents } from "./configured-agents.ts";
import { followMcpAgents } from "./follow-mcp-agents.ts";
import { openMcp } from "./open-mcp.ts";

export interface CrewOptions {
  /** The folder with `.claude` and `.mcp.json`; those above count as far as the repository goes. */
  folder: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Starts the agents of `.claude`, too. */
  claudeAgents: boolean;
  configured?: ConfiguredAgents | undefined;
  /** Joins an orchestrator. */
  start: (definition: AgentDefinition) => Promise<RunningAgent>;
  /** Takes an agent out of discovery. */
  putAside: (agentId: string) => Promise<unknown>;
  /** Told, in sentences, what people should know. */
  say: (sentence: string) => void;
  /** Told what people should act upon. */
  warn: (sentence: string) => void;
  /** For so long nothing may change before changed files are read again. */
  quietMs?: number;
}

export interface RunningCrew {
  /** Follows files no longer: no agent comes, changes or goes any more. To be called before the agents are stopped. */
  unfollow(): Promise<void>;
  /** Lets go of models and MCP servers. To be called once the agents have stopped. */
  close(): Promise<void>;
}

/** A configured agent that can't be started is an error; a fault in `.claude` keeps nobody from working without it. */
export async function startCrew(options: CrewOptions): Promise<RunningCrew> {
  const { configured, start, say } = options;
  const undo: (() => Promise<void>)[] = [];
  const follows: (() => Promise<void>)[] = [];
  const unfollow = async (): Promise<void> => {
    for (const step of follows.splice(0).reverse()) await step();
  };
  const close = async (): Promise<void> => {
    await unfollow();
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const agents = configured?.agents ?? [];
    const usesMcp = agents.some(({ kind }) => kind === "mcp") || (await hasClaudeAgents(options));
    const mcp = usesMcp ? await openMcp(options) : undefined;
    if (mcp !== undefined) {
      undo.push(() => mcp.close());
      follows.push(async () => mcp.unfollow());
    }
    for (const agent of agents)
      if (agent.kind !== "mcp") await start(createConfiguredAgent(agent, configured));
    if (mcp !== undefined && configured !== undefined)
      follows.push(await followMcpAgents({ mcp, configured, start, say: options.warn }));
    if (options.claudeAgents) {
      const claude = await startClaude(options, mcp);
      if (claude !== undefined) {
        undo.push(() => claude.close());
        follows.push(() => claude.unfollow());
      }
    }
    return { unfollow, close };
  } catch (error) {
    await close().catch((fault: unknown) => say(String(fault)));
    throw error;
  }
}

/** Servers that nobody could use are not started. */
async function hasClaudeAgents({ claudeAgents, folder }: CrewOptions): Promise<boolean> {
  return claudeAgents && (await loadClaudeFolder({ folder, above: true })).agents.length > 0;
}

async function startClaude(options: CrewOptions, mcp: Awaited<ReturnType<typeof openMcp>>) {
  const { folder, env, configured, start, putAside, say, quietMs } = options;
  try {
    return await startClaudeAgents({
      folder,
      env,
      models: configured?.models,
      start,
      putAside,
      say,
      ...(mcp === undefined ? {} : { mcpTools: mcp.toolsFor, onFolder: mcp.refresh }),
      ...(quietMs === undefined ? {} : { quietMs }),
    });
  } catch (error) {
    say(
      `the agents of .claude could not be started: ${error instanceof Error ? error.message : String(error)}`,
    );
    return undefined;
  }
}
