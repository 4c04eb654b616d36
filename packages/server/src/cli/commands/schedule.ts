import type { Client } from "@muster/sdk";
import type { Schedule, ScheduleDetail } from "@muster/sdk/protocol";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { connect, withConnection } from "../connect/connect.ts";
import { act, defineCommand, defineGroup, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { describeFields } from "../render/describe-fields.ts";
import { statusStyle } from "../render/status-style.ts";
import { addScheduleCreateCommand } from "./schedule-create.ts";
import { addStarterCommands, type StarterOptions } from "./starter-commands.ts";

export function addScheduleCommand(program: Command, context: CliContext): void {
  const schedule = defineGroup(program, "schedule", "hand in tasks and start workflows at certain times");
  addScheduleCreateCommand(schedule, context, describeSchedule);
  addStarterCommands<Schedule, ScheduleDetail>(schedule, context, {
    noun: "schedule",
    example: "nightly",
    statuses: ["active", "paused", "ended"],
    client: ({ schedules }) => schedules,
    on: { title: "WHEN", value: whenOf },
    moment: { title: "NEXT", value: ({ nextAt }) => nextAt ?? "" },
    show: {
      summary: "show a schedule and its next times",
      description: "Shows a schedule, by its name or id, and its next times.",
    },
    describe: describeSchedule,
    pause: "let its times pass until it is resumed",
    resume: "go on with the next time from now",
    after: ({ nextAt }) => (nextAt ? `; next at ${nextAt}` : ""),
  });
  addRun(schedule, context);
}

function whenOf({ cron, at, timezone }: Schedule): string {
  return cron === null ? `at ${at}` : `${cron} ${timezone}`;
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

function addRun(schedule: Command, context: CliContext): void {
  const command = defineCommand(schedule, "run <schedule>", {
    summary: "start its work now",
    description:
      "Starts the work of a schedule now, whatever else is under way, and prints the id of the task or run.",
    examples: [["muster schedule run nightly", "without waiting for the night"]],
  });
  withServer(withJson(command));
  act<StarterOptions>(command, context, async ([word = ""], options) =>
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
