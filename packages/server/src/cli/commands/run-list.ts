import type { Run, RunStatus } from "@muster/sdk/protocol";
import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, connectOrOpen, withConnection } from "../connect/connect.ts";
import { act, defineCommand, withJson, withServer } from "../define-command.ts";
import { type PageOptions, pageOf, printPage, withPages } from "../paging.ts";
import { formatAge, formatDuration } from "../render/format-duration.ts";
import { statusStyle } from "../render/status-style.ts";
import { renderTable } from "../render/table.ts";

interface Options extends ConnectOptions, PageOptions {
  json?: boolean;
  status?: RunStatus;
  workflow?: string;
}

export function addRunListCommand(run: Command, context: CliContext): void {
  const command = defineCommand(run, "list", {
    summary: "list runs, newest first",
    description: "Lists runs, newest first.",
    examples: [["muster run list --status running", "what is under way"]],
  });
  withServer(withJson(command))
    .addOption(
      new Option("--status <status>", "only runs in this status").choices([
        "running",
        "completed",
        "failed",
        "cancelled",
      ]),
    )
    .option("--workflow <name>", "only runs of this workflow");
  withPages(command);
  act<Options>(command, context, async (_, options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const { status, workflow, json } = options;
      const page = await client.runs.list({
        ...pageOf(options),
        ...(status !== undefined && { status }),
        ...(workflow !== undefined && { workflow }),
      });
      printPage(context, page, { json, none: "no run fits", table: (runs) => table(context, runs) });
      return undefined;
    }),
  );
}

function table(context: CliContext, runs: readonly Run[]): string {
  const { colors } = context.stdout;
  const end = (run: Run) => (run.finishedAt === null ? context.now() : Date.parse(run.finishedAt));
  return renderTable(
    [
      { title: "ID", value: (run) => run.id },
      { title: "WORKFLOW", value: (run) => run.workflow, shrinks: true },
      {
        title: "STATUS",
        value: (run) => run.status,
        style: (text, run) => statusStyle(colors, run.status)(text),
      },
      { title: "STEPS", value: stepsOf, align: "right", optional: true },
      { title: "CREATED", value: (run) => formatAge(run.createdAt, context.now()), optional: true },
      { title: "TOOK", value: (run) => formatDuration(end(run) - Date.parse(run.createdAt)), align: "right" },
    ],
    runs,
    context.stdout.columns(),
    colors.dim,
  );
}

function stepsOf(run: Run): string {
  const ended = run.steps.filter((step) => !["pending", "running"].includes(step.status)).length;
  return `${ended}/${run.steps.length}`;
}
