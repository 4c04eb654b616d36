import type { AgentDefinition, RunningAgent } from "@muster/sdk";
import type { Command } from "commander";
import { askYes } from "../ask-yes.ts";
import type { CliContext } from "../cli-context.ts";
import { printable } from "../render/printable.ts";
import type { AgentsFile } from "./read-agents-file.ts";

/** Which files may make agents. */
export interface CrewOptions {
  config?: string | undefined;
  yes?: boolean | undefined;
  claudeAgents?: boolean;
}

export interface Crew {
  /** To be called before the agents are stopped. */
  unfollow(): Promise<void>;
  /** To be called once they have. */
  close(): Promise<void>;
}

export interface CrewPlace {
  /** Joins an orchestrator. */
  start(definition: AgentDefinition): Promise<RunningAgent>;
  /** Takes an agent out of discovery. */
  putAside(agentId: string): Promise<unknown>;
}

/** The options of every command that starts agents. */
export function withCrew(command: Command, yesAlso = ""): Command {
  return command
    .option("--no-claude-agents", "start none of the agents in .claude here")
    .option(
      "--config <file>",
      "start the agents of this file: commands, HTTP endpoints, tools of MCP servers; and use its models",
    )
    .option("--yes", `start the agents of muster.yaml here${yesAlso}`);
}

const nobody: Crew = { unfollow: async () => undefined, close: async () => undefined };

/** Starts what files make agents of, in the same way for every command. Nothing is loaded where there is nothing. */
export async function openCrew(
  context: CliContext,
  configured: AgentsFile | undefined,
  { claudeAgents = true }: CrewOptions,
  place: CrewPlace,
  say: (sentence: string) => void = (sentence) => context.stderr.write(`${sentence}\n`),
): Promise<Crew> {
  const usesClaude = claudeAgents && (await context.claudeAgents()).hasClaudeFolder(context.cwd);
  if (configured === undefined && !usesClaude) return nobody;
  const { startCrew } = await context.crew();
  const { colors } = context.stderr;
  return startCrew({
    folder: context.cwd,
    env: context.env,
    claudeAgents: usesClaude,
    configured,
    ...place,
    say: (sentence) => say(printable(sentence)),
    warn: (sentence) => say(`${colors.yellow("warning:")} ${printable(sentence)}`),
  });
}

/** Asks whoever sits at the terminal about MCP servers that nobody approved. An empty answer is no, and nobody's is none. */
export async function askForServers(
  context: CliContext,
  configured: AgentsFile | undefined,
  { claudeAgents = true }: CrewOptions,
): Promise<void> {
  if (!context.isInteractive) return;
  const usesMcp = configured?.agents.some(({ kind }) => kind === "mcp") === true;
  if (!usesMcp && !(claudeAgents && (await context.claudeAgents()).hasClaudeFolder(context.cwd))) return;
  const { findMcpServers, openApprovals, placesOfMcp, describeEntry } = await context.mcpServers();
  const places = placesOfMcp(context.cwd, configured);
  const approvals = safely(() => openApprovals(context.env, context.cwd));
  if (approvals === undefined) return;
  const open = [];
  for (const { file, servers } of await findMcpServers(places))
    for (const named of servers) if (!(await approvals.isApproved(file, named))) open.push({ file, named });
  if (open.length === 0) return;
  for (const { file, named } of open)
    context.stderr.write(
      `MCP server ${printable(named.name)} of ${printable(file)}: ${printable(describeEntry(named.entry))}\n`,
    );
  const which = open.length === 1 ? "this server" : `these ${open.length} servers`;
  const question = `They run as you, without a sandbox, and their tools are the agents'. Approve ${which}?`;
  if (!(await askYes(context, question))) return;
  for (const { file, named } of open) await approvals.approve(file, named);
}

/** Where approvals can't be kept, the start says so itself. */
function safely<Value>(make: () => Value): Value | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
