import type { MissedPolicy, OverlapPolicy, ScheduleDetail, ScheduleRequest } from "@muster/sdk/protocol";
import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { type ConnectOptions, connect, withConnection } from "../connect/connect.ts";
import { act, defineCommand, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { type WorkOptions, withWork, workOf } from "./work-options.ts";

interface Options extends ConnectOptions, WorkOptions {
  json?: boolean;
  cron?: string;
  at?: string;
  timezone?: string;
  missed?: MissedPolicy;
  overlap?: OverlapPolicy;
  paused?: boolean;
  dryRun?: boolean;
}

type Describe = (context: CliContext, schedule: ScheduleDetail) => string;

export function addScheduleCreateCommand(schedule: Command, context: CliContext, describe: Describe): void {
  const command = defineCommand(schedule, "create <name>", {
    summary: "make a schedule",
    description:
      "Makes a schedule: a cron line or one time, and a workflow or a task. The workflow is kept with the schedule " +
      "as it is now. Everything is checked at once.",
    examples: [
      [
        'muster schedule create nightly --cron "30 2 * * *" --timezone Europe/Berlin --workflow review.yaml --input path=/srv/shop',
        "every night at half past two, in summer and in winter",
      ],
      [
        `muster schedule create ping --cron "*/5 * * * *" --capability ping --input '{"host":"db"}' --overlap skip`,
        "a task every five minutes, unless the last one has not ended",
      ],
      ["muster schedule create later --at 2030-01-01T09:00 --workflow report.yaml", "once"],
      [
        'muster schedule create x --cron "0 0 1 * *" --capability x --dry-run',
        "its next times, and nothing is made",
      ],
    ],
  });
  withWork(withWhen(withServer(withJson(command))))
    .option("--paused", "begin only when it is resumed")
    .option("--dry-run", "check it, show its next times, and make nothing");
  act<Options>(command, context, async ([name = ""], options) => {
    const request = await requestOf(context, name, options);
    return withConnection(connect(context, options), async (client) => {
      const dryRun = options.dryRun === true;
      const made = await client.schedules.create(request, { dryRun });
      if (options.json) printJson(context, made);
      else context.stdout.write(describe(context, made));
      if (dryRun) context.stderr.write("nothing was made\n");
      return undefined;
    });
  });
}

function withWhen(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--cron <line>",
        "minute, hour, day of month, month, day of week; or @daily and the like",
      ).conflicts("at"),
    )
    .option("--at <time>", "once; without an offset by the clock of this machine")
    .option("--timezone <zone>", "in which the cron line is meant (default: UTC)")
    .addOption(
      new Option("--missed <policy>", "for times at which no node was there (default: run-once)").choices([
        "skip",
        "run-once",
        "run-all",
      ]),
    )
    .addOption(
      new Option("--overlap <policy>", "while the last work has not ended (default: skip)").choices([
        "allow",
        "skip",
        "queue",
      ]),
    );
}

async function requestOf(context: CliContext, name: string, options: Options): Promise<ScheduleRequest> {
  const { cron, at, timezone, missed, overlap, paused } = options;
  if (cron === undefined && at === undefined) {
    throw new CliError("when? a schedule needs --cron or --at", {
      hint: 'For example --cron "30 9 * * 1-5" for 9:30 on weekdays.',
    });
  }
  const request: ScheduleRequest = {
    name,
    cron,
    at: at === undefined ? undefined : timeOf(at),
    timezone,
    missed,
    overlap,
    paused,
    ...(await workOf(context, "a schedule", options)),
  };
  return Object.fromEntries(
    Object.entries(request).filter(([, value]) => value !== undefined),
  ) as ScheduleRequest;
}

function timeOf(text: string): string {
  const time = new Date(text);
  if (!Number.isNaN(time.getTime())) return time.toISOString();
  throw new CliError(`--at wants a time like 2030-01-01T09:00 or 2030-01-01T09:00:00Z, not ${text}`);
}
