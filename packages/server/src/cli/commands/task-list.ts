import type { Task, TaskStatus } from "@muster/sdk/protocol";
import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, connectOrOpen, withConnection } from "../connect/connect.ts";
import { act, defineCommand, withJson, withServer } from "../define-command.ts";
import { type PageOptions, pageOf, printPage, withPages } from "../paging.ts";
import { formatAge } from "../render/format-duration.ts";
import { statusStyle } from "../render/status-style.ts";
import { renderTable } from "../render/table.ts";

interface Options extends ConnectOptions, PageOptions {
  json?: boolean;
  status?: TaskStatus;
  capability?: string;
  run?: string;
  parent?: string;
}

export function addTaskListCommand(task: Command, context: CliContext): void {
  const command = defineCommand(task, "list", {
    summary: "list tasks, newest first",
    description: "Lists tasks, newest first.",
    examples: [
      ["muster task list --status failed", "what went wrong lately"],
      ["muster task list --run ID --json", "the tasks of a run, with inputs and outputs"],
    ],
  });
  withServer(withJson(command))
    .addOption(
      new Option("--status <status>", "only tasks in this status").choices([
        "blocked",
        "ready",
        "in_progress",
        "waiting",
        "completed",
        "failed",
        "cancelled",
      ]),
    )
    .option("--capability <name>", "only tasks for this capability")
    .option("--run <id>", "only tasks of this run")
    .option("--parent <id>", "only sub-tasks of this task");
  withPages(command);
  act<Options>(command, context, async (_, options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const { status, capability, run, parent, json } = options;
      const page = await client.tasks.list({
        ...pageOf(options),
        ...(status !== undefined && { status }),
        ...(capability !== undefined && { capability }),
        ...(run !== undefined && { runId: run }),
        ...(parent !== undefined && { parentId: parent }),
      });
      printPage(context, page, { json, none: "no task fits", table: (tasks) => table(context, tasks) });
      return undefined;
    }),
  );
}

function table(context: CliContext, tasks: readonly Task[]): string {
  const { colors } = context.stdout;
  return renderTable(
    [
      { title: "ID", value: (task) => task.id },
      {
        title: "STATUS",
        value: (task) => task.status,
        style: (text, task) => statusStyle(colors, task.status)(text),
      },
      { title: "PRIORITY", value: (task) => task.priority, optional: true },
      {
        title: "WHAT",
        value: (task) => task.capability ?? `for ${task.requestedAgent ?? "?"}`,
        shrinks: true,
      },
      { title: "AGENT", value: (task) => task.agent ?? "", shrinks: true, optional: true },
      {
        title: "TRIES",
        value: (task) => `${task.attempts}/${task.maxAttempts}`,
        align: "right",
        optional: true,
      },
      { title: "CREATED", value: (task) => formatAge(task.createdAt, context.now()), optional: true },
      { title: "NAME", value: (task) => nameOf(task), shrinks: true },
    ],
    tasks,
    context.stdout.columns(),
    colors.dim,
  );
}

function nameOf({ name, step, index, error }: Task): string {
  const own = name ?? (step === null ? "" : `${step}${index === null ? "" : `[${index}]`}`);
  return error === null ? own : `${own}${own === "" ? "" : ": "}${error.message}`;
}
