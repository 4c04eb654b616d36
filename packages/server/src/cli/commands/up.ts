import type { Command } from "commander";
import type { Config } from "../../config/config-schema.ts";
import type { CliContext } from "../cli-context.ts";
import { exitCodes } from "../cli-error.ts";
import { act, defineCommand, withJson } from "../define-command.ts";
import { withListening } from "../listen-options.ts";
import { readCliConfig } from "../read-cli-config.ts";
import { printable } from "../render/printable.ts";
import { chooseAgentsFile, type ModelSettings } from "../run/read-agents-file.ts";
import { startServer } from "../start-server.ts";
import { untilAborted, watchInterrupts } from "../watch-interrupts.ts";

interface Options extends Pick<Partial<Config>, "host" | "port" | "dataDir" | "logLevel"> {
  json?: boolean;
  builtinAgents: boolean;
  claudeAgents: boolean;
  config?: string;
  yes?: boolean;
}

export function addUpCommand(program: Command, context: CliContext): void {
  const command = defineCommand(program, "up", {
    summary: "start a server on this machine",
    description:
      "Starts a server with the built-in agents and those in .claude here. It keeps its data in a folder and goes on where it stopped. " +
      "Ctrl-C stops it gracefully, a second one at once.",
    examples: [
      ["muster up", "on http://127.0.0.1:6878, with its data in .muster"],
      ["muster up --port 7000 --data-dir /var/lib/muster --no-builtin-agents", "for agents of one's own"],
    ],
  });
  withListening(withJson(command))
    .option("--no-builtin-agents", "start none of the built-in agents")
    .option("--no-claude-agents", "start none of the agents in .claude here")
    .option(
      "--config <file>",
      "start the agents of this file: commands and HTTP endpoints; and use its models",
    )
    .option("--yes", "start the agents of muster.yaml here");
  act<Options>(command, context, (_, options) => up(context, options));
}

async function up(context: CliContext, options: Options): Promise<number> {
  const { stderr } = context;
  const { colors } = stderr;
  const interrupts = watchInterrupts(context);
  try {
    stderr.write("starting Muster…\n");
    const { muster, models } = await start(context, options);
    const claude = options.claudeAgents ? await startClaude(context, muster, models) : undefined;
    const planner = await startPlanning(context, muster, models);
    try {
      if (options.json) printAddress(context, muster);
      else context.stdout.write(welcome(context, muster, options));
      await untilAborted(interrupts.signal);
    } finally {
      stderr.write(
        `\nstopping: no new work is taken on, what is under way is finished ${colors.dim("(Ctrl-C again: at once)")}\n`,
      );
      await claude?.close();
      await planner?.close();
      await muster.stop();
      stderr.write("stopped\n");
    }
    return exitCodes.ok;
  } finally {
    interrupts.stop();
  }
}

type Muster = Awaited<ReturnType<CliContext["startMuster"]>>;

async function start(
  context: CliContext,
  options: Options,
): Promise<{ muster: Muster; models: ModelSettings | undefined }> {
  const { json: _, builtinAgents, claudeAgents: __, config: agentsFile, yes, ...flags } = options;
  const configured = await chooseAgentsFile(context, { config: agentsFile, yes });
  const { config } = await readCliConfig(context, flags, "server");
  const muster = await startServer(context, config, { builtinAgents, configured, adminKey: config.adminKey });
  return { muster, models: configured?.models };
}

/** The agents in `.claude` here. A fault in them keeps nobody from working without them. */
async function startClaude(context: CliContext, muster: Muster, models: ModelSettings | undefined) {
  const say = (sentence: string): void => context.stderr.write(`${printable(sentence)}\n`);
  try {
    const { startClaudeAgents } = await context.claudeAgents();
    return await startClaudeAgents({
      folder: context.cwd,
      env: context.env,
      models,
      start: (definition) => muster.agent(definition),
      putAside: (agentId) => muster.client.agents.setStatus(agentId, "maintenance"),
      say,
    });
  } catch (error) {
    say(
      `the agents of .claude could not be started: ${error instanceof Error ? error.message : String(error)}`,
    );
    return undefined;
  }
}

/** The agent that plans, where there is a model. A fault in it keeps nobody from working without plans. */
async function startPlanning(context: CliContext, muster: Muster, models: ModelSettings | undefined) {
  try {
    const { startPlanner } = await context.goals();
    const { planner } = await startPlanner({ env: context.env, models, start: (one) => muster.agent(one) });
    return planner;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    context.stderr.write(`${printable(`the planner could not be started: ${why}`)}\n`);
    return undefined;
  }
}

/** For programs: one line of JSON once the server takes requests. */
function printAddress(context: CliContext, { url, adminKey }: Muster): void {
  context.stdout.write(`${JSON.stringify({ url, adminKey })}\n`);
}

function welcome(context: CliContext, { url, adminKey }: Muster, options: Options): string {
  const { colors } = context.stdout;
  const lines = [`\n${colors.green("✔")} Muster is up at ${colors.bold(url ?? "")}\n`];
  if (adminKey !== null) {
    lines.push(`  admin key: ${colors.bold(adminKey)}`);
    lines.push("  It is shown this once and kept only as a hash: put it where you keep secrets.\n");
  }
  const folder = options.dataDir === undefined ? "" : ` --data-dir ${options.dataDir}`;
  lines.push("  Try it from another terminal in this folder:");
  lines.push(`    muster agents${folder}`);
  lines.push(`    muster run examples/repo-review.yaml --input path=.${folder}`);
  lines.push(`    muster events --follow${folder}\n`);
  return `${lines.join("\n")}\n`;
}
