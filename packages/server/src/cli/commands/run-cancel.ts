import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, connectOrOpen, withConnection } from "../connect/connect.ts";
import { act, defineCommand, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { describeCancel } from "../render/describe-cancel.ts";

export function addRunCancelCommand(run: Command, context: CliContext): void {
  const command = defineCommand(run, "cancel <run>", {
    summary: "cancel a run",
    description: "Cancels a run with all its tasks; agents that are at work on them are told to stop.",
    examples: [["muster run cancel 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f", "says what was stopped"]],
  });
  withServer(withJson(command));
  act<ConnectOptions & { json?: boolean }>(command, context, async ([id = ""], options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const report = await client.runs.cancel(id);
      if (options.json) printJson(context, report);
      else context.stdout.write(`cancelled run ${id}: ${describeCancel(report)}\n`);
      return undefined;
    }),
  );
}
