import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, connect, withConnection } from "../connect/connect.ts";
import { act, defineCommand, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";

export function addTaskRetryCommand(task: Command, context: CliContext): void {
  const command = defineCommand(task, "retry <task>", {
    summary: "try a failed or cancelled task again",
    description:
      "Gives a failed or cancelled task its attempts back; finished steps of it are not run again.",
    examples: [["muster task retry 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f --wait", "and wait for its end"]],
  });
  withServer(withJson(command)).option("--wait", "wait for its end and print its output");
  act<ConnectOptions & { json?: boolean; wait?: boolean }>(command, context, async ([id = ""], options) =>
    withConnection(connect(context, options), async (client) => {
      const retried = await client.tasks.retry(id);
      if (options.wait) {
        const { waitForTask } = await import("../wait-for-task.ts");
        return waitForTask(context, client, id, { json: options.json === true });
      }
      if (options.json) printJson(context, retried);
      else context.stdout.write(`task ${id} is ${retried.status} again\n`);
      return undefined;
    }),
  );
}
