import type { Client } from "@muster/sdk";
import type { Schedule, ScheduleDetail, ScheduleStatus } from "@muster/sdk/protocol";
import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, connect, withConnection } from "../connect/connect.ts";
import { act, defineCommand, defineGroup, wholeNumber, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { describeFields } from "../render/describe-fields.ts";
import { statusStyle } from "../render/status-style.ts";
import { renderTable } from "../render/table.ts";
import { addScheduleCreateCommand } from "./schedule-create.ts";

type Options = ConnectOptions & { json?: boolean };

export function addScheduleCommand(program: Command, context: CliContext): void {
  const schedule = defineGroup(program, "schedule", "hand in tasks and start workflows at certain times");
  addScheduleCreateCommand(schedule, context, describeSchedule);
  addList(schedule, context);
  addShow(schedule, context);
  addChange(schedule, context, "pause", "let its times pass until it is resumed", "paused");
  addChange(schedule, context, "resume", "go on with the next time from now", "resumed");
  addRun(schedule, context);
  addRemove(schedule, context);
}

function addList(schedule: Command, context: CliContext): void {
  const command = defineCommand(schedule, "list", {
    summary: "list schedules, newest first",
    examples: [["muster schedule list --status paused", "those that wait for somebody"]],
  });
  withServer(withJson(command))
    .addOption(
      new Option("--status <status>", "only schedules in this status").choices(["active", "paused", "ended"]),
    )
    .addOption(wholeNumber("--limit <number>", "at most so many (default: 50)", 1, 500))
    .option("--before <cursor>", "go on behind an earlier page");
  type Filter = Options & { status?: ScheduleStatus; limit?: number; before?: string };
  act<Filter>(command, context, async (_, { status, limit = 50, before, ...options }) =>
    withConnection(connect(context, options), async (client) => {
      const filter = {
        limit,
        ...(status !== undefined && { status }),
        ...(before !== undefined && { before }),
      };
      const page = await client.schedules.list(filter);
      if (options.json) printJson(context, page);
      else if (page.items.length === 0) context.stderr.write("there is no schedule\n");
      else context.stdout.write(table(context, page.items));
      if (page.next !== null) context.stderr.write(`more: --before ${page.next}\n`);
      return undefined;
    }),
  );
}

function table(context: CliContext, schedules: readonly Schedule[]): string {
  const { colors } = context.stdout;
  return renderTable(
    [
      { title: "NAME", value: ({ name }) => name },
      {
        title: "STATUS",
        value: ({ status }) => status,
        style: (text, { status }) => statusStyle(colors, status)(text),
      },
      { title: "WHEN", value: (one) => whenOf(one) },
      { title: "STARTS", value: ({ starts, what }) => `${starts} ${what}`, shrinks: true },
      { title: "NEXT", value: ({ nextAt }) => nextAt ?? "" },
      { title: "STARTED", value: ({ started }) => String(started), align: "right", optional: true },
      { title: "SKIPPED", value: ({ skipped }) => String(skipped), align: "right", optional: true },
    ],
    schedules,
    context.stdout.columns(),
    colors.dim,
  );
}

const whenOf = ({ cron, at, timezone }: Schedule): string =>
  cron === null ? `at ${at}` : `${cron} ${timezone}`;

function addShow(schedule: Command, context: CliContext): void {
  const command = defineCommand(schedule, "show <schedule>", {
    summary: "show a schedule and its next times",
    description: "Shows a schedule, by its name or id, and its next times.",
    examples: [["muster schedule show nightly --json", "with what it starts, as JSON"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async ([word = ""], options) =>
    withConnection(connect(context, options), async (client) => {
      const found = await client.schedules.get(word);
      if (options.json) printJson(context, found);
      else context.stdout.write(describeSchedule(context, found));
      return undefined;
    }),
  );
}

function describeSchedule(context: CliContext, one: ScheduleDetail): string {
  const { colors } = context.stdout;
  const last = one.lastAt === null ? null : `${one.lastAt}: ${one.starts} ${one.lastId}`;
  return describeFields(colors, [
    ["name", one.name],
    ["id", one.id],
    ["status", one.status, statusStyle(colors, one.status)],
    ["when", whenOf(one)],
    ["starts", `${one.starts} ${one.what}`],
    ["missed", one.missed],
    ["overlap", one.overlap],
    ["started", String(one.started)],
    ["skipped", one.skipped === 0 ? null : String(one.skipped)],
    ["queued", one.queued === 0 ? null : String(one.queued)],
    ["last", last],
    ["next", one.upcoming.join("\n")],
  ]);
}

function addChange(
  schedule: Command,
  context: CliContext,
  change: "pause" | "resume",
  summary: string,
  done: string,
): void {
  const command = defineCommand(schedule, `${change} <schedule>`, {
    summary,
    examples: [[`muster schedule ${change} nightly`, "by its name or id"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async ([word = ""], options) =>
    withConnection(connect(context, options), async (client) => {
      const changed = await client.schedules[change](word);
      if (options.json) printJson(context, changed);
      else
        context.stdout.write(
          `${done} ${changed.name}${changed.nextAt ? `; next at ${changed.nextAt}` : ""}\n`,
        );
      return undefined;
    }),
  );
}

function addRun(schedule: Command, context: CliContext): void {
  const command = defineCommand(schedule, "run <schedule>", {
    summary: "start its work now",
    description:
      "Starts the work of a schedule now, whatever else is under way, and prints the id of the task or run.",
    examples: [["muster schedule run nightly", "without waiting for the night"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async ([word = ""], options) =>
    withConnection(connect(context, options), async (client: Client) => {
      const started = await client.schedules.run(word);
      if (options.json) printJson(context, started);
      else {
        context.stdout.write(`${started.id}\n`);
        context.stderr.write(`started; see \`muster ${started.starts} show ${started.id}\`\n`);
      }
      return undefined;
    }),
  );
}

function addRemove(schedule: Command, context: CliContext): void {
  const command = defineCommand(schedule, "rm <schedule>", {
    summary: "delete a schedule",
    description: "Deletes a schedule. What it started goes on.",
    examples: [["muster schedule rm nightly", "by its name or id"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async ([word = ""], options) =>
    withConnection(connect(context, options), async (client) => {
      const deleted = await client.schedules.delete(word);
      if (options.json) printJson(context, deleted);
      else context.stdout.write(`deleted ${deleted.name}\n`);
      return undefined;
    }),
  );
}
