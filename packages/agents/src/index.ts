/**
 * The built-in agents of Muster: ordinary agents, written with the SDK that everybody has. Together they
 * review a folder of JavaScript and TypeScript: `file-lister` finds the sources, `code-reviewer` looks for
 * faults, `documenter` writes API documentation and asks `outliner` about each file, and `reporter` joins it
 * all into one Markdown file. None of them needs a model or a key, and none runs anything of what it reads.
 */
import type { AgentDefinition } from "@muster/sdk";
import { createCodeReviewer } from "./code-reviewer.ts";
import { createDocumenter } from "./documenter.ts";
import { createFileLister } from "./file-lister.ts";
import { createOutliner } from "./outliner.ts";
import { createReporter, type ReporterOptions } from "./reporter.ts";

export type { McpAgentTool } from "./configured/call-mcp-tool.ts";
export {
  type AgentsMistake,
  type CheckedAgents,
  checkAgentsFile,
} from "./configured/check-agents-file.ts";
export type { ConfiguredAgent } from "./configured/configured-agent.ts";
export { createConfiguredAgent } from "./configured/create-configured-agent.ts";
export type { ReporterOptions };
export { createCodeReviewer, createDocumenter, createFileLister, createOutliner, createReporter };

/** Definitions of all built-in agents, to be started like any other agent. */
export const builtinAgents = (options: ReporterOptions = {}): AgentDefinition[] => [
  createFileLister(),
  createCodeReviewer(),
  createOutliner(),
  createDocumenter(),
  createReporter(options),
];
