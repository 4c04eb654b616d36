import type { RunDetail } from "@muster/sdk/protocol";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, connectOrOpen, withConnection } from "../connect/connect.ts";
import { act, defineCommand, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { describeBudget } from "../render/describe-budget.ts";
import { describeFields, type Field } from "../render/describe-fields.ts";
import { cutText } from "../render/fit-line.ts";
import { formatAge, formatDuration } from "../render/format-duration.ts";
import { statusStyle } from "../render/status-style.ts";
import { renderTable } from "../render/table.ts";

/** How much of the inputs or the output is shown; `--json` has all of it. */
const shownJson = 4_000;

export function addRunShowCommand(run: Command, context: CliContext): void {
  const command = defineCommand(run, "show <run>", {
    summary: "show one run with its steps",
    description: "Shows one run: its steps, its inputs and its output.",
    examples: [
      ["muster run show 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f", "for people"],
      ["muster run show 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f --json", "as `muster run --json` printed it"],
    ],
  });
  withServer(withJson(command));
  act<ConnectOptions & { json?: boolean }>(command, context, async ([id = ""], options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const found = await client.runs.get(id);
      if (options.json) {
        const { finishedRun } = await import("../run/report-run.ts");
        printJson(context, finishedRun(found));
      } else context.stdout.write(describe(context, found));
      return undefined;
    }),
  );
}

function describe(context: CliContext, run: RunDetail): string {
  const { colors } = context.stdout;
  const endMs = run.finishedAt === null ? context.now() : Date.parse(run.finishedAt);
  const fields: Field[] = [
    ["id", run.id],
    ["workflow", run.workflow],
    ["status", run.status, statusStyle(colors, run.status)],
    ["created", formatAge(run.createdAt, context.now())],
    ["took", formatDuration(endMs - Date.parse(run.createdAt))],
    ["budget", run.budget === null ? null : describeBudget(run.budget)],
    ["inputs", shownAsJson(run.inputs)],
    ["output", shownAsJson(run.output)],
    ["error", run.error === null ? null : `${run.error.code}: ${run.error.message}`, colors.red],
  ];
  const steps = renderTable(
    [
      { title: "STEP", value: (step) => step.name, shrinks: true },
      {
        title: "STATUS",
        value: (step) => step.status,
        style: (text, step) => statusStyle(colors, step.status)(text),
      },
      { title: "CAPABILITY", value: (step) => step.capability ?? "", shrinks: true },
      { title: "DONE", value: ({ tasks }) => `${tasks.completed}/${tasks.total}`, align: "right" },
      {
        title: "FAILED",
        value: ({ tasks }) => (tasks.failed > 0 ? String(tasks.failed) : ""),
        align: "right",
      },
      { title: "REASON", value: (step) => step.reason ?? "", shrinks: true },
    ],
    run.steps,
    context.stdout.columns(),
    colors.dim,
  );
  return `${describeFields(colors, fields)}\n${steps}`;
}

function shownAsJson(value: unknown): string | null {
  return value === null || value === undefined ? null : cutText(JSON.stringify(value, null, 2), shownJson);
}
