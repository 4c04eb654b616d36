import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../cli-error.ts";
import { dataDirOf, defaultDataDir, readServerFile } from "../connect/read-server-file.ts";
import { act, defineCommand, wholeNumber, withJson } from "../define-command.ts";
import { codeOf } from "../report-error.ts";
import { sayOnce } from "../say-once.ts";
import { watchInterrupts } from "../watch-interrupts.ts";

interface Options {
  json?: boolean;
  port?: number;
  host?: string;
  dataDir?: string;
  builtinAgents: boolean;
  logLevel?: "debug" | "info" | "warn" | "error" | "silent";
}

const defaultPort = 6878;
const defaultHost = "127.0.0.1";

export function addUpCommand(program: Command, context: CliContext): void {
  const command = defineCommand(program, "up", {
    summary: "start a server on this machine",
    description:
      "Starts a server with the built-in agents. It keeps its data in a folder and goes on where it stopped. " +
      "Ctrl-C stops it gracefully, a second one at once.",
    examples: [
      ["muster up", "on http://127.0.0.1:6878, with its data in .muster"],
      ["muster up --port 7000 --data-dir /var/lib/muster --no-builtin-agents", "for agents of one's own"],
    ],
  });
  withJson(command)
    .addOption(
      wholeNumber(
        "--port <port>",
        `where to listen (default: ${defaultPort}; 0 picks a free one)`,
        0,
        65_535,
      ),
    )
    .option("--host <host>", `the address to listen on (default: ${defaultHost}: this machine only)`)
    .option("--data-dir <folder>", `where the data is (default: ${defaultDataDir})`)
    .option("--no-builtin-agents", "start no agent")
    .addOption(
      new Option("--log-level <level>", "what is logged (default: warn in a terminal, else info)").choices([
        "debug",
        "info",
        "warn",
        "error",
        "silent",
      ]),
    );
  act<Options>(command, context, (_, options) => up(context, options));
}

async function up(context: CliContext, options: Options): Promise<number> {
  const { stderr } = context;
  const { colors } = stderr;
  const interrupts = watchInterrupts(context);
  try {
    stderr.write("starting Muster…\n");
    const muster = await start(context, options);
    try {
      if (options.json) printAddress(context, muster);
      else context.stdout.write(welcome(context, muster, options));
      await aborted(interrupts.signal);
    } finally {
      stderr.write(
        `\nstopping: no new work is taken on, what is under way is finished ${colors.dim("(Ctrl-C again: at once)")}\n`,
      );
      await muster.stop();
      stderr.write("stopped\n");
    }
    return exitCodes.ok;
  } finally {
    interrupts.stop();
  }
}

type Muster = Awaited<ReturnType<CliContext["startMuster"]>>;

async function start(context: CliContext, options: Options): Promise<Muster> {
  const port = options.port ?? defaultPort;
  const host = options.host ?? defaultHost;
  try {
    return await context.startMuster({
      dataDir: dataDirOf(context, options.dataDir),
      listen: { host, port },
      builtinAgents: options.builtinAgents,
      // Somebody who looks at a terminal has `muster events`; a file of logs wants to hear of everything.
      logLevel: options.logLevel ?? (context.stderr.isTTY ? "warn" : "info"),
      onProgress: sayOnce((sentence) => context.stderr.write(`${sentence}\n`)),
    });
  } catch (error) {
    throw explainStart(context, error, options, `${host}:${port}`);
  }
}

function explainStart(context: CliContext, error: unknown, options: Options, place: string): unknown {
  const code = codeOf(error);
  const running = readServerFile(context, options.dataDir);
  if (code === "storage_locked" && running) {
    return new CliError(
      `a server already runs on ${options.dataDir ?? defaultDataDir}: ${running.url} (process ${running.pid})`,
      {
        hint: "Use it as it is, stop it first, or start another one with --data-dir and --port.",
        exitCode: exitCodes.failed,
        cause: error,
      },
    );
  }
  if (code === "EADDRINUSE") {
    return new CliError(`${place} is in use by another program`, {
      hint: "Choose another with --port, or --port 0 for any free one.",
      exitCode: exitCodes.failed,
      cause: error,
    });
  }
  if (code === "EACCES" || code === "EADDRNOTAVAIL") {
    return new CliError(`cannot listen on ${place}: ${(error as Error).message}`, {
      hint: "Choose another address with --host or --port.",
      exitCode: exitCodes.failed,
      cause: error,
    });
  }
  return error;
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

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
