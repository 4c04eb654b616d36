import type { Attempt, TaskDetail } from "@muster/sdk/protocol";
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

/** How much of an input or output is shown; `--json` has all of it. */
const shownJson = 4_000;
const shownMessage = 1_000;

export function addTaskShowCommand(task: Command, context: CliContext): void {
  const command = defineCommand(task, "show <task>", {
    summary: "show one task",
    description: "Shows one task with its input, output, dependencies and failed attempts.",
    examples: [
      ["muster task show 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f", "for people"],
      ["muster task show 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f --json | jq .output", "what it yielded"],
    ],
  });
  withServer(withJson(command));
  act<ConnectOptions & { json?: boolean }>(command, context, async ([id = ""], options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const found = await client.tasks.get(id);
      if (options.json) printJson(context, found);
      else context.stdout.write(describeFields(context.stdout.colors, taskFields(context, found)));
      return undefined;
    }),
  );
}

export function taskFields(context: CliContext, task: TaskDetail): Field[] {
  const { colors } = context.stdout;
  const now = context.now();
  const took =
    task.startedAt === null
      ? ""
      : formatDuration((task.finishedAt ? Date.parse(task.finishedAt) : now) - Date.parse(task.startedAt));
  return [
    ["id", task.id],
    ["name", task.name],
    ["capability", task.capability],
    ["for agent", task.requestedAgent],
    ["status", task.status, statusStyle(colors, task.status)],
    ["agent", task.agent],
    ["attempts", `${task.attempts} of ${task.maxAttempts}`],
    ["priority", task.priority],
    ["run", task.runId],
    ["step", task.step === null ? null : `${task.step}${task.index === null ? "" : `[${task.index}]`}`],
    ["sub-task of", task.parentId],
    ["created", formatAge(task.createdAt, now)],
    ["took", took],
    ["after", task.dependsOn.map(({ id, status }) => `${id} (${status})`).join("\n")],
    ["budget", task.budget === null ? null : describeBudget(task.budget)],
    ["input", shownAsJson(task.input)],
    ["output", shownAsJson(task.output)],
    ["error", task.error === null ? null : `${task.error.code}: ${task.error.message}`, colors.red],
    ...task.failedAttempts.map((attempt) => [`attempt ${attempt.number}`, describeAttempt(attempt)] as const),
  ];
}

function describeAttempt({ agent, startedAt, finishedAt, error }: Attempt): string {
  const took = formatDuration(Date.parse(finishedAt) - Date.parse(startedAt));
  return cutText(
    `${agent} failed at ${finishedAt} after ${took}: ${error.code}: ${error.message}`,
    shownMessage,
  );
}

function shownAsJson(value: unknown): string | null {
  return value === null || value === undefined ? null : cutText(JSON.stringify(value, null, 2), shownJson);
}
