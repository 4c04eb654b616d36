import type { ConfiguredAgent } from "@muster/agents";
import type { ModelSettings } from "@muster/runtime";

/** Agents that a file makes, with what else it says. */
export interface ConfiguredAgents {
  /** As it was named. */
  file: string;
  agents: readonly ConfiguredAgent[];
  /** Where relative paths begin: the folder of the file. */
  folder: string;
  /** What variables are taken from. */
  env: Readonly<Record<string, string | undefined>>;
  /** What it says of models; undefined where it says nothing. */
  models?: ModelSettings;
  /** Its MCP servers, as they are written. */
  mcpServers?: Readonly<Record<string, unknown>>;
}
