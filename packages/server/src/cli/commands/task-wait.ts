import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, connect, withConnection } from "../connect/connect.ts";
import { act, defineCommand, duration, withJson, withServer } from "../define-command.ts";

export function addTaskWaitCommand(task: Command, context: CliContext): void {
  const command = defineCommand(task, "wait <task>", {
    summary: "wait for the end of a task",
    description:
      "Waits until a task has ended and prints its output; exit code 0 where it completed, else 1.",
    examples: [
      ["muster task wait 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f --timeout 5m", "give up after five minutes"],
      ["muster task wait 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f --follow", "read along with the agent at work"],
    ],
  });
  withServer(withJson(command))
    .addOption(duration("--timeout <duration>", "stop waiting after this long"))
    .option("--follow", "show what the agent says meanwhile, on standard error");
  act<ConnectOptions & { json?: boolean; follow?: boolean; timeout?: number }>(
    command,
    context,
    async ([id = ""], options) =>
      withConnection(connect(context, options), async (client) => {
        const { waitForTask } = await import("../wait-for-task.ts");
        const timeoutMs = options.timeout;
        return waitForTask(context, client, id, {
          json: options.json === true,
          follow: options.follow === true,
          ...(timeoutMs !== undefined && { timeoutMs }),
        });
      }),
  );
}
