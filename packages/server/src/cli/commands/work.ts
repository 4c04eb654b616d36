import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import type { AgentDefinition, RunningAgent } from "@muster/sdk";
import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../cli-error.ts";
import { type ConnectOptions, findServer } from "../connect/connect.ts";
import { act, defineCommand, wholeNumber, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { readCliConfig } from "../read-cli-config.ts";
import { type Crew, openCrew, withCrew } from "../run/open-crew.ts";
import { mayThink, openPlanner } from "../run/open-planner.ts";
import { type AgentsFile, chooseAgentsFile } from "../run/read-agents-file.ts";
import { sayOnce } from "../say-once.ts";
import { untilAborted, watchInterrupts } from "../watch-interrupts.ts";

interface Options extends ConnectOptions {
  json?: boolean;
  concurrency?: number;
  transport?: "websocket" | "http";
  config?: string;
  yes?: boolean;
  builtinAgents: boolean;
  claudeAgents: boolean;
}

const mostConcurrency = 1_000;

export function addWorkCommand(program: Command, context: CliContext): void {
  const command = defineCommand(program, "work [modules...]", {
    summary: "run agents and no server: the built-in ones, or those of modules and files",
    description:
      "Runs agents that join a server, from anywhere that reaches it: those of .claude here, and the built-in ones " +
      "or those of modules and of a file. A module is a JavaScript file whose default " +
      "export is the definition of an agent, a list of them, or a function that makes them. The first SIGTERM or " +
      "SIGINT lets the agents finish what they have; a second one stops them at once.",
    examples: [
      ["muster work --server https://muster.internal", "the built-in agents, with the key in MUSTER_API_KEY"],
      ["muster work ./my-agent.mjs --concurrency 8", "an agent of one's own, eight tasks at once"],
      ["muster work --server http://node-1:6878,http://node-2:6878", "two nodes without a load balancer"],
    ],
  });
  withCrew(withServer(withJson(command)))
    .option("--no-builtin-agents", "run none of the built-in agents")
    .addOption(
      wholeNumber(
        "--concurrency <tasks>",
        "tasks at once of each agent, whatever it says; those of .claude keep to their own",
        1,
        mostConcurrency,
      ),
    )
    .addOption(
      new Option("--transport <transport>", "how agents connect (default: websocket)").choices([
        "websocket",
        "http",
      ]),
    );
  act<Options>(command, context, (modules, options) => work(context, modules, options));
}

async function work(context: CliContext, modules: string[], options: Options): Promise<number> {
  const { stderr } = context;
  const { config } = await readCliConfig(context);
  const address = await findServer(context, options);
  if (address === undefined) {
    throw new CliError("there is no server to work for", {
      hint: "Name one with --server URL or MUSTER_URL, or start one here with `muster up`.",
      exitCode: exitCodes.failed,
    });
  }
  const configured = await chooseAgentsFile(context, options);
  const interrupts = watchInterrupts(context);
  try {
    const worker = await context.startWorker({
      url: address.url,
      apiKey: address.apiKey,
      modules: modules.map((path) => existingPath(context, path)),
      builtinAgents: options.builtinAgents && modules.length === 0 && configured === undefined,
      concurrency: options.concurrency,
      transport: options.transport,
      startMs: config.startMs,
      onProgress: sayOnce((sentence) => stderr.write(`${sentence}\n`)),
    });
    const crew = await startCrew(context, worker, address, configured, {
      ...options,
      hasModules: modules.length > 0,
    });
    if (options.json) printJson(context, { server: address.url, agents: worker.agents });
    else
      stderr.write(
        `working for ${address.url}: ${worker.agents.map(({ name }) => name).join(", ") || "no agent yet"}\n`,
      );
    await untilAborted(interrupts.signal);
    stderr.write("stopping: no new work is taken on, what is under way is finished\n");
    await crew.unfollow();
    await worker.stop(config.stopMs);
    await crew.close();
    stderr.write("stopped\n");
    return exitCodes.ok;
  } finally {
    interrupts.stop();
  }
}

type Worker = Awaited<ReturnType<CliContext["startWorker"]>>;

async function startCrew(
  context: CliContext,
  worker: Worker,
  { url, apiKey }: { url: string; apiKey: string },
  configured: AgentsFile | undefined,
  { hasModules, ...options }: Options & { hasModules: boolean },
): Promise<Crew> {
  const client = await context.createClient({ url, apiKey });
  const place = createHash("sha256").update(`${hostname()}\0${context.cwd}`).digest("hex").slice(0, 8);
  // The same folder may be worked in on several machines, and each has agents of its own.
  const start = (definition: AgentDefinition): Promise<RunningAgent> =>
    worker.start(
      definition.id === undefined ? definition : { ...definition, id: `${definition.id}-${place}` },
    );
  try {
    const putAside = (agentId: string) => client.agents.setStatus(agentId, "maintenance");
    const crew = await openCrew(context, configured, options, { start, putAside });
    // Who only has modules run wants these and no others.
    const plans = options.builtinAgents && !hasModules && mayThink(context, configured);
    const planner = plans ? await openPlanner(context, configured, start) : undefined;
    return {
      unfollow: crew.unfollow,
      close: async () => {
        await planner?.close();
        await crew.close();
      },
    };
  } catch (error) {
    await worker.stop(0);
    throw error;
  }
}

function existingPath(context: CliContext, path: string): string {
  const absolute = resolve(context.cwd, path);
  if (existsSync(absolute)) return absolute;
  throw new CliError(`there is no module ${path}`, { hint: "Give the path of a JavaScript file." });
}
