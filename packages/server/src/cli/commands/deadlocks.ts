import type { Deadlock } from "@muster/sdk/protocol";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, connect, withConnection } from "../connect/connect.ts";
import { act, defineCommand, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { printable } from "../render/printable.ts";

/** How many tasks of one deadlock are named; `--json` names all. */
const shownTasks = 5;

export function addDeadlocksCommand(program: Command, context: CliContext): void {
  const command = defineCommand(program, "deadlocks", {
    summary: "list tasks that wait for ever, and why",
    description:
      "Lists what waits for ever: cycles through sub-tasks, dependencies that cannot end, capabilities that nobody offers.",
    examples: [
      ["muster deadlocks", "every deadlock with its reason"],
      ["muster deadlocks --json | jq length", "how many there are"],
    ],
  });
  withServer(withJson(command));
  act<ConnectOptions & { json?: boolean }>(command, context, async (_, options) =>
    withConnection(connect(context, options), async (client) => {
      const deadlocks = await client.tasks.deadlocks();
      if (options.json) printJson(context, deadlocks);
      else if (deadlocks.length === 0) context.stderr.write("nothing waits for ever\n");
      else context.stdout.write(deadlocks.map((one) => describe(context, one)).join(""));
      return undefined;
    }),
  );
}

function describe(context: CliContext, { kind, taskIds, reason }: Deadlock): string {
  const { colors } = context.stdout;
  const more = taskIds.length - shownTasks;
  const shown = taskIds.slice(0, shownTasks).map((id) => `  ${id}\n`);
  return `${colors.red(kind)}: ${printable(reason)}\n${shown.join("")}${more > 0 ? `  and ${more} more\n` : ""}`;
}
