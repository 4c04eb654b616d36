import type { Command } from "commander";
import { type AddOptions, readAdded, withAdd } from "../budget-options.ts";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, connect, withConnection } from "../connect/connect.ts";
import { act, defineCommand, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";

export function addTaskResumeCommand(task: Command, context: CliContext): void {
  const command = defineCommand(task, "resume <task>", {
    summary: "raise the budget of a task, and let it go on",
    description:
      "Raises the budget that a task brought along, and lets it and what is below it go on where it had been reached.",
    examples: [
      ["muster task resume 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f --add tokens=50k", "with more tokens"],
    ],
  });
  withAdd(withServer(withJson(command)));
  act<ConnectOptions & AddOptions & { json?: boolean }>(command, context, async ([id = ""], options) => {
    const more = await readAdded(context, options);
    return withConnection(connect(context, options), async (client) => {
      const resumed = await client.tasks.resume(id, more);
      if (options.json) printJson(context, resumed);
      else context.stdout.write(`task ${id} is ${resumed.status}\n`);
      return undefined;
    });
  });
}
