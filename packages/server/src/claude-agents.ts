/** What the command line knows of `.claude` folders. Looking at one loads neither models nor tools. */
import type { ClaudeAgentsOptions, RunningClaudeAgents } from "./start-claude-agents.ts";

export {
  type ClaudeFileReport,
  type ClaudeFolder,
  isMistake,
  loadClaudeFolder,
} from "@muster/runtime/claude-folder";
export type { ClaudeAgentsOptions, RunningClaudeAgents };

/** Starts the agents of a folder; undefined where it has none. */
export const startClaudeAgents = async (
  options: ClaudeAgentsOptions,
): Promise<RunningClaudeAgents | undefined> =>
  (await import("./start-claude-agents.ts")).startClaudeAgents(options);
