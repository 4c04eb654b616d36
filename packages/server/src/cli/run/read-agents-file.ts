import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { ConfiguredAgents } from "../../crew/configured-agents.ts";
import { askYes } from "../ask-yes.ts";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../cli-error.ts";
import { closestWord } from "../closest-word.ts";
import { printable } from "../render/printable.ts";

export type ModelSettings = ConfiguredAgents["models"];
type AgentsMistake = ReturnType<
  Awaited<ReturnType<CliContext["configuredAgents"]>>["checkAgentsFile"]
>["mistakes"][number];

/** Names that a question shows. */
const mostNamed = 10;

/** The file that `muster up`, `muster run` and `muster work` look for where they are started. */
export const agentsFileName = "muster.yaml";

export interface AgentsFile extends ConfiguredAgents {
  /** Each as `file:line:column: what is wrong (what was meant)`. */
  mistakes: string[];
}

/** Reads a file of agents and checks it; mistakes that keep it from being read at all are among them. */
export async function readAgentsFile(context: CliContext, file: string): Promise<AgentsFile> {
  const { loadYaml, formatProblem } = await context.workflowLanguage();
  const { checkAgentsFile } = await context.configuredAgents();
  const folder = dirname(resolve(context.cwd, file));
  const { readTextFile } = await import("../read-json.ts");
  const loaded = loadYaml(readTextFile(context, file));
  const broken = loaded.problems.map((problem) => formatProblem(problem, file));
  if (broken.length > 0) return { file, agents: [], folder, env: context.env, mistakes: broken };
  const { agents, mistakes } = checkAgentsFile(loaded.document);
  const models = await readModels(context, loaded.document);
  const servers = await readServers(context, loaded.document, agents, folder);
  const told = [...mistakes, ...models.mistakes, ...servers.mistakes].map(({ path, message, unknown }) => {
    const place = loaded.locate(path, unknown === undefined ? "value" : "key");
    const meant = unknown === undefined ? undefined : closestWord(unknown.key, unknown.allowed);
    const hint =
      unknown === undefined
        ? undefined
        : meant === undefined
          ? `possible here: ${unknown.allowed.join(", ")}`
          : `did you mean "${meant}"?`;
    const { line, column } = { line: undefined, column: undefined, ...place };
    return formatProblem({ message, hint, path: path.join("/"), line, column }, file);
  });
  const known = {
    ...(models.settings === undefined ? {} : { models: models.settings }),
    ...(servers.entries === undefined ? {} : { mcpServers: servers.entries }),
  };
  return { file, agents, folder, env: context.env, mistakes: told.map((line) => printable(line)), ...known };
}

/** Its MCP servers, and whether the agents that are their tools name servers that there are. */
async function readServers(
  context: CliContext,
  document: unknown,
  agents: ConfiguredAgents["agents"],
  folder: string,
): Promise<{ entries?: Record<string, unknown>; mistakes: AgentsMistake[] }> {
  const section = (document as { mcpServers?: unknown } | null)?.mcpServers;
  const named = agents.flatMap((agent) => (agent.kind === "mcp" ? [agent.mcp.server] : []));
  if (section === undefined && named.length === 0) return { mistakes: [] };
  if (section !== undefined && (typeof section !== "object" || section === null || Array.isArray(section)))
    return { mistakes: [{ path: ["mcpServers"], message: '"mcpServers" must be a map of servers by name' }] };
  const entries = section as Record<string, unknown> | undefined;
  const { findMcpServers, readMcpServers } = await context.mcpServers();
  const { problems, servers } = readMcpServers(entries ?? {});
  const others = named.length === 0 ? [] : await findMcpServers({ folder });
  const known = [...servers, ...others.filter(({ agent }) => agent === null).flatMap((one) => one.servers)];
  const mistakes = [
    ...problems.map(({ server, problem }) => ({
      path: ["mcpServers", ...(server === null ? [] : [server])],
      message: problem,
    })),
    ...agents.flatMap((agent, index) => {
      if (agent.kind !== "mcp" || known.some(({ name }) => name === agent.mcp.server)) return [];
      const path = ["agents", index, "mcp", "server"];
      return [{ path, message: `no MCP server ${agent.mcp.server} stands under mcpServers or in .mcp.json` }];
    }),
  ];
  return { ...(entries === undefined ? {} : { entries }), mistakes };
}

/** Mistakes are told with their place in the whole file. */
async function readModels(context: CliContext, document: unknown) {
  const section = (document as { models?: unknown } | null)?.models;
  if (section === undefined) return { settings: undefined, mistakes: [] };
  const { readModelSettings } = await context.models();
  const { settings, mistakes } = readModelSettings(section);
  return { settings, mistakes: mistakes.map((one) => ({ ...one, path: ["models", ...one.path] })) };
}

export interface AgentsFileOptions {
  config?: string | undefined;
  yes?: boolean | undefined;
}

/**
 * The configured agents that shall be started. A file that was named is consent. One that merely lies where the
 * command was started may have come with somebody's repository: it is named, and runs only with `--yes`, or where
 * somebody at a terminal is asked and says so.
 */
export async function chooseAgentsFile(
  context: CliContext,
  { config, yes }: AgentsFileOptions,
  say: (sentence: string) => void = (sentence) => context.stderr.write(`${sentence}\n`),
): Promise<AgentsFile | undefined> {
  const found = config ?? (existsSync(resolve(context.cwd, agentsFileName)) ? agentsFileName : undefined);
  if (found === undefined) {
    if (yes)
      throw new CliError(`there is no ${agentsFileName} here`, { hint: "Name a file with --config FILE." });
    return undefined;
  }
  if (config === undefined && !yes && !(await isWanted(context))) {
    say(
      `${agentsFileName} here is left alone: its agents run commands. Look at it with \`muster agents check\`, ` +
        "then start them with --yes, or with --config FILE",
    );
    return undefined;
  }
  const read = await readAgentsFile(context, found);
  if (read.mistakes.length === 0) return read;
  for (const line of read.mistakes) context.stderr.write(`${line}\n`);
  throw new CliError(`${found} has ${read.mistakes.length === 1 ? "a mistake" : "mistakes"}`, {
    hint: "docs/configured-agents.md describes the file.",
    exitCode: exitCodes.misused,
  });
}

/** Asks whoever sits at the terminal; nobody there is no. A file with mistakes is not worth a question. */
async function isWanted(context: CliContext): Promise<boolean> {
  if (!context.isInteractive) return false;
  const { agents, mistakes } = await readAgentsFile(context, agentsFileName);
  if (mistakes.length > 0 || agents.length === 0) return false;
  const names = agents.slice(0, mostNamed).map(({ name }) => printable(name));
  const more = agents.length > mostNamed ? ` and ${agents.length - mostNamed} more` : "";
  return askYes(
    context,
    `${agentsFileName} here has agents that run commands: ${names.join(", ")}${more}. Start them?`,
  );
}
