import { existsSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { act, defineCommand, defineGroup, withJson } from "../define-command.ts";
import { lookAtServers, type SeenServer, shownServer } from "../mcp/look-at-servers.ts";
import { mcpTable } from "../mcp/mcp-table.ts";
import { printJson } from "../print-json.ts";
import { printable } from "../render/printable.ts";

interface Options {
  json?: boolean;
  dir?: string;
  config?: string;
  file?: string;
  all?: boolean;
}

export function addMcpCommand(program: Command, context: CliContext): void {
  const mcp = defineGroup(program, "mcp", "show MCP servers that files name; approve them or take that back");
  addList(mcp, context);
  addApprove(mcp, context);
  addRevoke(mcp, context);
}

function withPlace(command: Command): Command {
  return withJson(command)
    .option("--dir <folder>", "the folder with .mcp.json, .claude and muster.yaml (default: this one)")
    .option("--config <file>", "a file with mcpServers, instead of muster.yaml there");
}

function addList(mcp: Command, context: CliContext): void {
  const command = defineCommand(mcp, "list", {
    summary: "list MCP servers that files name",
    description:
      "Lists the servers of .mcp.json here and above it as far as the repository goes, of mcpServers in muster.yaml and of " +
      "agents in .claude: what each runs, whether it is approved as it stands now, and its tools where a Muster of yours runs it. " +
      "Nothing is started.",
    examples: [
      ["muster mcp list", "what could be started here, and what may be"],
      ["muster mcp list --dir ~/src/shop --json", "of another folder, for a program"],
    ],
  });
  act<Options>(withPlace(command), context, async (_, options) => {
    const { servers, problems } = await lookAtServers(context, options);
    if (options.json) {
      printJson(context, { servers: servers.map(shownServer), problems });
      return undefined;
    }
    for (const { file, server, problem } of problems)
      context.stderr.write(
        `${printable(file)}${server === null ? "" : `, server ${printable(server)}`}: ${printable(problem)}\n`,
      );
    if (servers.length === 0) context.stderr.write("no file here names an MCP server\n");
    else context.stdout.write(mcpTable(context.stdout, servers));
    return undefined;
  });
}

function addApprove(mcp: Command, context: CliContext): void {
  const command = defineCommand(mcp, "approve [name]", {
    summary: "approve an MCP server as it stands",
    description:
      "Approves a server as its file describes it now, and shows what that is. Another command, argument, variable or address " +
      "needs another approval, and so does a tool that changes after the server was first used. A Muster that runs here " +
      "starts the server at once. Approve nothing that you have not looked at: a server runs as you, without a sandbox.",
    examples: [
      ["muster mcp approve shop", "the server shop, as it stands in .mcp.json"],
      ["muster mcp approve shop --file .claude/agents/clerk.md", "the one that an agent brings along"],
      ["muster mcp approve --all", "every server that is listed here"],
    ],
  });
  withPlace(command)
    .option("--file <file>", "the file that names the server, where several do")
    .option("--all", "all servers that are listed here");
  act<Options>(command, context, async ([name], options) => {
    const chosen = await choose(context, name, options);
    const approvals = await approvalsOf(context, options);
    for (const { file, named } of chosen) await approvals.approve(file, named);
    if (options.json) {
      const { servers } = await lookAtServers(context, options);
      const isChosen = (one: SeenServer): boolean =>
        chosen.some(({ file, named }) => file === one.file && named.name === one.named.name);
      printJson(context, { approved: servers.filter(isChosen).map(shownServer) });
    } else for (const one of chosen) context.stdout.write(`approved ${line(one)}\n`);
    return undefined;
  });
}

function addRevoke(mcp: Command, context: CliContext): void {
  const command = defineCommand(mcp, "revoke [name]", {
    summary: "take the approval of an MCP server back",
    description: "Takes an approval back. A Muster that runs here ends the server at once.",
    examples: [["muster mcp revoke shop", "it is not started any more"]],
  });
  withPlace(command)
    .option("--file <file>", "the file that names the server, where several do")
    .option("--all", "all servers that are listed here");
  act<Options>(command, context, async ([name], options) => {
    const chosen = await choose(context, name, options);
    const approvals = await approvalsOf(context, options);
    const revoked: SeenServer[] = [];
    for (const one of chosen) if (await approvals.revoke(one.file, one.named.name)) revoked.push(one);
    if (options.json) {
      printJson(context, { revoked: revoked.map(({ file, named }) => ({ name: named.name, file })) });
    } else {
      for (const { file, named } of revoked)
        context.stdout.write(`${printable(named.name)} of ${printable(file)} is approved no more\n`);
      if (revoked.length === 0) context.stderr.write("nobody had approved it\n");
    }
    return undefined;
  });
}

const line = ({ file, named, entry, variables }: SeenServer): string =>
  printable(
    `${named.name} of ${file}: ${entry}${variables.length === 0 ? "" : ` (with ${variables.join(", ")})`}`,
  );

async function approvalsOf(context: CliContext, { dir = "." }: Options) {
  const { openApprovals } = await context.mcpServers();
  return openApprovals(context.env, resolve(context.cwd, dir));
}

/** The one server that was meant; which one it is must be certain. */
async function choose(
  context: CliContext,
  name: string | undefined,
  options: Options,
): Promise<readonly SeenServer[]> {
  const { servers } = await lookAtServers(context, options);
  if ((name === undefined) === (options.all !== true))
    throw new CliError("which server? Name one, or say --all", { hint: "`muster mcp list` shows them." });
  const { dir = ".", file } = options;
  const wanted = file === undefined ? undefined : realPathOf(resolve(context.cwd, dir, file));
  const found = servers.filter(
    (one) => (name === undefined || one.named.name === name) && (wanted === undefined || one.file === wanted),
  );
  if (found.length === 0) {
    throw new CliError(
      name === undefined ? "no file here names an MCP server" : `no file here names an MCP server ${name}`,
      { hint: "`muster mcp list` shows those that there are." },
    );
  }
  if (name !== undefined && found.length > 1) {
    const files = found.map((one) => one.file).join(", ");
    throw new CliError(`${found.length} files name a server ${name}: ${files}`, {
      hint: "Say which one with --file FILE.",
    });
  }
  return found;
}

/** Files are known by where links lead. */
const realPathOf = (path: string): string => (existsSync(path) ? realpathSync(path) : path);
