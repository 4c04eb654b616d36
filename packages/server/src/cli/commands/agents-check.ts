import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../cli-error.ts";
import { act, defineCommand, withJson } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { claudeSummary, claudeTable } from "../render/claude-table.ts";
import { type AgentsFile, agentsFileName, readAgentsFile } from "../run/read-agents-file.ts";

type ClaudeFolder = Awaited<ReturnType<Awaited<ReturnType<CliContext["claudeAgents"]>>["loadClaudeFolder"]>>;

interface Options {
  json?: boolean;
  user?: boolean;
  strict?: boolean;
}

export function addAgentsCheckCommand(agents: Command, context: CliContext): void {
  const command = defineCommand(agents, "check [place]", {
    summary: "check agents in files without starting any",
    description:
      `Checks a file of agents such as ${agentsFileName}, or a folder with such a file or with .claude in it (by ` +
      "default this one). Of each file in .claude it tells whether it is loaded, what had to be put right, why it is not, " +
      "and what Claude Code itself would do. Nothing is started or connected to. Exit code 2 for any mistake.",
    examples: [
      ["muster agents check", `what ${agentsFileName} and .claude here would start`],
      ["muster agents check ~/src/shop --strict", "what had to be put right counts as a mistake, too"],
      ["muster agents check agents/old.yaml --json", "the same for a program"],
    ],
  });
  withJson(command)
    .option("--user", "look at the agents in your home's .claude, too")
    .option("--strict", "what had to be put right is a mistake, too");
  act<Options>(command, context, ([place], options) => check(context, place, options));
}

async function check(context: CliContext, place: string | undefined, options: Options): Promise<number> {
  const { file, folder } = whatIsAt(context, place);
  const configured = file === undefined ? undefined : await readAgentsFile(context, file);
  const claude = folder === undefined ? undefined : await readClaude(context, folder, options);
  if (configured === undefined && claude === undefined) {
    throw new CliError(
      `there is neither ${agentsFileName} nor .claude ${place === undefined ? "here" : `in ${place}`}`,
      {
        hint: "docs/configured-agents.md and docs/claude-folder.md describe both.",
      },
    );
  }
  const mistakes = await claudeMistakes(context, claude, options);
  if (options.json) printAll(context, configured, claude, mistakes);
  else {
    if (configured !== undefined) showConfigured(context, configured);
    if (claude !== undefined) showClaude(context, claude);
  }
  return mistakes + (configured?.mistakes.length ?? 0) > 0 ? exitCodes.misused : exitCodes.ok;
}

/** A file is a file of agents; a folder may hold one, and `.claude`, its own or the user's. */
function whatIsAt(context: CliContext, place: string | undefined): { file?: string; folder?: string } {
  const path = resolve(context.cwd, place ?? ".");
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  if (!isFolder) return { file: place ?? agentsFileName };
  const file = place === undefined ? agentsFileName : join(place, agentsFileName);
  return { folder: path, ...(existsSync(join(path, agentsFileName)) && { file }) };
}

/** Undefined where there is nothing of the kind. */
async function readClaude(
  context: CliContext,
  folder: string,
  { user }: Options,
): Promise<ClaudeFolder | undefined> {
  const { loadClaudeFolder } = await context.claudeAgents();
  const home = user === true ? context.env.HOME : undefined;
  const found = await loadClaudeFolder({ folder, above: true, ...(home === undefined ? {} : { home }) });
  return found.reports.length === 0 && !existsSync(join(folder, ".claude")) ? undefined : found;
}

async function claudeMistakes(
  context: CliContext,
  claude: ClaudeFolder | undefined,
  { strict }: Options,
): Promise<number> {
  if (claude === undefined) return 0;
  const { isMistake } = await context.claudeAgents();
  return claude.reports.filter((one) => isMistake(one) || (strict === true && one.status === "repaired"))
    .length;
}

/** The keys of a file of agents stand as they do without `.claude`. */
function printAll(
  context: CliContext,
  configured: AgentsFile | undefined,
  claude: ClaudeFolder | undefined,
  claudeMistakes: number,
): void {
  const { file = null, agents = [], mistakes = [] } = configured ?? {};
  printJson(context, {
    file,
    valid: mistakes.length === 0 && claudeMistakes === 0,
    agents,
    mistakes,
    claude: claude === undefined ? null : describeClaude(claude),
  });
}

const describeClaude = ({ agents, skills, commands, reports }: ClaudeFolder) => ({
  agents: agents.map(({ definition: { prompt: _, ...agent }, path, scope }) => ({ path, scope, ...agent })),
  skills: skills.map(({ definition: { text: _, ...skill }, path, scope }) => ({ path, scope, ...skill })),
  commands: commands.map(({ definition: { text: _, ...one }, path, scope }) => ({ path, scope, ...one })),
  files: reports,
});

function showConfigured(context: CliContext, { agents, mistakes }: AgentsFile): void {
  for (const line of mistakes) context.stderr.write(`${line}\n`);
  for (const agent of agents) {
    const offered = agent.capabilities?.map((one) => (typeof one === "string" ? one : one.name)).join(", ");
    const name = agent.version === undefined ? agent.name : `${agent.name} ${agent.version}`;
    context.stdout.write(
      `${context.stdout.colors.green("✔")} ${name} (${offered ?? "what it says of itself"}): ${workOf(agent)}\n`,
    );
  }
}

/** What a configured agent does for a task. */
function workOf(agent: AgentsFile["agents"][number]): string {
  if (agent.kind === "http") return `POST ${agent.url}`;
  if (agent.kind === "mcp") return `tool ${agent.mcp.tool} of the MCP server ${agent.mcp.server}`;
  if (agent.kind === "claude-code") return `Claude Code in ${agent.cwd ?? "."}`;
  if (agent.kind === "a2a") return `A2A ${agent.card}`;
  return agent.shell ?? JSON.stringify(agent.command);
}

function showClaude(context: CliContext, { reports }: ClaudeFolder): void {
  if (reports.length > 0) context.stdout.write(claudeTable(context.stdout, reports));
  context.stderr.write(`${claudeSummary(reports)}\n`);
}
