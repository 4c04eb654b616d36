import type { Command } from "commander";
import type { Config } from "../../config/config-schema.ts";
import type { CliContext } from "../cli-context.ts";
import { exitCodes } from "../cli-error.ts";
import { act, defineCommand, withJson } from "../define-command.ts";
import { withListening } from "../listen-options.ts";
import { readCliConfig } from "../read-cli-config.ts";
import { startServer } from "../start-server.ts";
import { untilAborted, watchInterrupts } from "../watch-interrupts.ts";

interface Options extends Pick<Partial<Config>, "host" | "port" | "dataDir" | "logLevel" | "nodeName"> {
  json?: boolean;
  builtinAgents?: boolean;
}

export function addServeCommand(program: Command, context: CliContext): void {
  const command = defineCommand(program, "serve", {
    summary: "run a node: the API and the orchestration, without agents",
    description:
      "Runs a node. With DATABASE_URL, AMQP_URL and REDIS_URL any number of nodes work as one; without them a node keeps " +
      "everything itself. The first SIGTERM or SIGINT drains it: it hands over what is under way and stops. A second " +
      "one stops it at once.",
    examples: [
      ["muster serve --host 0.0.0.0", "on the servers that the environment names"],
      ["muster config", "what it would run with"],
    ],
  });
  withListening(withJson(command))
    .option("--node-name <name>", "what the node is called (default: the name of the machine)")
    .option("--builtin-agents", "start the built-in agents, too");
  act<Options>(command, context, (_, options) => serve(context, options));
}

async function serve(context: CliContext, { json, builtinAgents, ...flags }: Options): Promise<number> {
  const { stderr, stdout } = context;
  const { config } = await readCliConfig(context, flags, "node");
  const interrupts = watchInterrupts(context);
  try {
    stderr.write("starting a node…\n");
    const muster = await startServer(context, config, {
      ...serversOf(config),
      builtinAgents: builtinAgents === true,
      startMs: config.startMs,
    });
    const { url, adminKey } = muster;
    if (json) stdout.write(`${JSON.stringify({ url, adminKey })}\n`);
    else stdout.write(greeting(url, adminKey));
    await untilAborted(interrupts.signal);
    stderr.write("draining: what is under way is finished or handed over (again: at once)\n");
    await muster.stop(config.stopMs);
    stderr.write("stopped\n");
    return exitCodes.ok;
  } finally {
    interrupts.stop();
  }
}

/** What of the configuration `startMuster` takes as it is. */
function serversOf(config: Config) {
  const { databaseUrl, amqpUrl, redisUrl, s3Url, databaseConnections, clusterPrefix } = config;
  const { nodeName, publicUrl, adminKey, trustProxy, drainMs } = config;
  const servers = { databaseUrl, amqpUrl, redisUrl, s3Url, databaseConnections, clusterPrefix };
  return { ...servers, nodeName, publicUrl, adminKey, trustProxy, drainMs };
}

function greeting(url: string | undefined, adminKey: string | null): string {
  const key = adminKey === null ? "" : `admin key, shown this once: ${adminKey}\n`;
  return `the node takes requests at ${url}\n${key}`;
}
