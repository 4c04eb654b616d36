import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { exitCodes } from "../cli-error.ts";
import type { ConnectOptions } from "../connect/connect.ts";
import { act, defineCommand, withJson, withServer } from "../define-command.ts";
import type { Finding } from "../doctor/finding.ts";
import { lookAtDatabase } from "../doctor/look-at-database.ts";
import { lookAtNode, lookAtStore, lookAtTools } from "../doctor/look-at-machine.ts";
import { lookAtModels, type ModelsOptions } from "../doctor/look-at-models.ts";
import { lookAtConfiguration, lookAtServer } from "../doctor/look-at-server.ts";
import { printJson } from "../print-json.ts";
import { printable } from "../render/printable.ts";

type Options = ConnectOptions & ModelsOptions & { json?: boolean };

export function addDoctorCommand(program: Command, context: CliContext): void {
  const command = defineCommand(program, "doctor", {
    summary: "say what is missing here, and what to do",
    description:
      "Looks at Node.js, the configuration, the folder with the data, the server, the database and whether it has pgvector, " +
      "programs that agents use, and the " +
      "providers of models: which have a key, answer and take it, and which models the aliases lead to. It changes " +
      "nothing, and costs nothing: providers are asked for the list of their models. Exit code 1 where something is wrong; " +
      "what is merely missing is no failure.",
    examples: [
      ["muster doctor", "everything"],
      ["muster doctor --offline --json", "without asking providers of models, for a program"],
      ["muster doctor --config muster.yaml", "with the models of this file"],
    ],
  });
  withServer(withJson(command))
    .option("--config <file>", "the file that says which models there are")
    .option("--yes", "use the muster.yaml here")
    .option("--offline", "do not ask providers of models whether they answer and take the key");
  act<Options>(command, context, async (_, options) => {
    const findings = await lookAtAll(context, options);
    const isHealthy = findings.every(({ state }) => state !== "wrong");
    if (options.json) printJson(context, { healthy: isHealthy, findings });
    else for (const finding of findings) context.stdout.write(show(context, finding));
    return isHealthy ? exitCodes.ok : exitCodes.failed;
  });
}

async function lookAtAll(context: CliContext, options: Options): Promise<Finding[]> {
  const [configuration, server, database, models] = await Promise.all([
    lookAtConfiguration(context),
    lookAtServer(context, options),
    lookAtDatabase(context, options),
    lookAtModels(context, options),
  ]);
  const machine = [lookAtNode(process.versions.node), configuration, lookAtStore(context, options.dataDir)];
  return [...machine, server, ...database, ...lookAtTools(context), ...models];
}

function show({ stdout }: CliContext, { about, state, says, hint }: Finding): string {
  const { green, yellow, red, dim } = stdout.colors;
  const mark = { ok: green("✔"), missing: yellow("○"), wrong: red("✘") }[state];
  const todo = hint === undefined ? "" : `    ${dim(printable(hint))}\n`;
  return `${mark} ${printable(about)}: ${printable(says)}\n${todo}`;
}
