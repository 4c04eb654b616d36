import type { Command } from "commander";
import type { Config } from "../../config/config-schema.ts";
import type { CliContext } from "../cli-context.ts";
import { exitCodes } from "../cli-error.ts";
import { act, defineCommand, withJson } from "../define-command.ts";
import { withListening } from "../listen-options.ts";
import { readCliConfig } from "../read-cli-config.ts";
import { askForServers, type Crew, openCrew, withCrew } from "../run/open-crew.ts";
import { mayThink, openPlanner } from "../run/open-planner.ts";
import { chooseAgentsFile } from "../run/read-agents-file.ts";
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
  withCrew(
    withListening(withJson(command)).option("--no-builtin-agents", "start none of the built-in agents"),
  );
  act<Options>(command, context, (_, options) => up(context, options));
}

async function up(context: CliContext, options: Options): Promise<number> {
  const { stderr } = context;
  const { colors } = stderr;
  const interrupts = watchInterrupts(context);
  try {
    stderr.write("starting Muster…\n");
    const { muster, crew } = await start(context, options);
    try {
      if (options.json) printAddress(context, muster);
      else context.stdout.write(welcome(context, muster, options));
      await untilAborted(interrupts.signal);
    } finally {
      stderr.write(
        `\nstopping: no new work is taken on, what is under way is finished ${colors.dim("(Ctrl-C again: at once)")}\n`,
      );
      await crew.unfollow();
      await muster.stop();
      await crew.close();
      stderr.write("stopped\n");
    }
    return exitCodes.ok;
  } finally {
    interrupts.stop();
  }
}

type Muster = Awaited<ReturnType<CliContext["startMuster"]>>;

/** The agents of files join once the server is there; without them there is no server. */
async function start(context: CliContext, options: Options): Promise<{ muster: Muster; crew: Crew }> {
  const { json: _, builtinAgents, claudeAgents, config: agentsFile, yes, ...flags } = options;
  const configured = await chooseAgentsFile(context, { config: agentsFile, yes });
  // One question is all that a terminal can be asked.
  if (configured === undefined || agentsFile !== undefined || yes)
    await askForServers(context, configured, { claudeAgents });
  const { config } = await readCliConfig(context, flags, "server");
  const muster = await startServer(context, config, { builtinAgents, adminKey: config.adminKey });
  try {
    const crew = await openCrew(
      context,
      configured,
      { claudeAgents },
      {
        start: (definition) => muster.agent(definition),
        putAside: (agentId) => muster.client.agents.setStatus(agentId, "maintenance"),
      },
    );
    const start: Muster["agent"] = (definition) => muster.agent(definition);
    const planner = mayThink(context, configured) ? await openPlanner(context, configured, start) : undefined;
    const close = async () => {
      await crew.close();
      await planner?.close();
    };
    return { muster, crew: { unfollow: crew.unfollow, close } };
  } catch (error) {
    await muster.stop();
    throw error;
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
