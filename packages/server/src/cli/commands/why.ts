import type { Explanation } from "@muster/sdk/protocol";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, connectOrOpen, withConnection } from "../connect/connect.ts";
import { act, defineCommand, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { printable } from "../render/printable.ts";

export function addWhyCommand(program: Command, context: CliContext): void {
  const command = defineCommand(program, "why <task>", {
    summary: "say why a task is not running, or why it failed",
    description: "Says in words why a task is where it is, and what to do about it.",
    examples: [
      ["muster why 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f", "the reasons, most important first"],
      ["muster why 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f --json", "the same as JSON"],
    ],
  });
  withServer(withJson(command));
  act<ConnectOptions & { json?: boolean }>(command, context, async ([id = ""], options) =>
    withConnection(connectOrOpen(context, options), async (client, { served }) => {
      const explanation = await client.tasks.explain(id);
      if (options.json) printJson(context, explanation);
      else context.stdout.write(explain(context, explanation));
      const ended = ["completed", "failed", "cancelled"].includes(explanation.status);
      if (!served && !ended)
        context.stderr.write("no server is running, so nothing is carried out: `muster up`\n");
      return undefined;
    }),
  );
}

function explain(context: CliContext, { summary, reasons, nextSteps }: Explanation): string {
  const { colors } = context.stdout;
  const lines = [colors.bold(printable(summary))];
  for (const reason of reasons) lines.push(`  ${printable(reason)}`);
  if (nextSteps.length > 0) lines.push(colors.dim("What to do:"));
  for (const step of nextSteps) lines.push(`  ${printable(step)}`);
  return `${lines.join("\n")}\n`;
}
