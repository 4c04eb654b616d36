import type {
  EventType,
  TriggerCondition,
  TriggerDetail,
  TriggerOn,
  TriggerRequest,
} from "@muster/sdk/protocol";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { type ConnectOptions, connect, withConnection } from "../connect/connect.ts";
import { act, defineCommand, repeatable, wholeNumber, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { type WorkOptions, withWork, workOf } from "./work-options.ts";

interface Options extends ConnectOptions, WorkOptions {
  json?: boolean;
  on?: string[];
  of?: string;
  where?: string[];
  eventAs?: string;
  maxPerMinute?: number;
  maxDepth?: number;
  paused?: boolean;
  dryRun?: boolean;
}

type Describe = (context: CliContext, trigger: TriggerDetail) => string;

export function addTriggerCreateCommand(trigger: Command, context: CliContext, describe: Describe): void {
  const command = defineCommand(trigger, "create <name>", {
    summary: "make a trigger",
    description:
      "Makes a trigger: which events count, and a workflow or a task that is handed in for each. The workflow is kept with " +
      "the trigger as it is now. It acts on what happens from now on.",
    examples: [
      [
        "muster trigger create mend --on task.dead --of deploy --capability diagnose --event-as event",
        "a task for every deployment that failed for good, with the event in its input",
      ],
      [
        "muster trigger create publish --on state.written --where data.project=shop --where data.path=plans/* --workflow publish.yaml",
        "a run whenever a plan of the shop is written",
      ],
    ],
  });
  withWork(withServer(withJson(command)))
    .addOption(repeatable("--on <type>", "a type of event, such as task.failed; may be repeated"))
    .option("--of <capability>", "only events about tasks of this capability")
    .addOption(
      repeatable(
        "--where <condition>",
        "only events in which place=value holds; a value of text* is a beginning",
      ),
    )
    .option("--event-as <name>", "the member of the input that the event becomes")
    .addOption(wholeNumber("--max-per-minute <number>", "then the others wait (default: 60)", 1, 1_000))
    .addOption(
      wholeNumber("--max-depth <number>", "triggers that may follow from each other (default: 4)", 1, 16),
    )
    .option("--paused", "begin only when it is resumed")
    .option("--dry-run", "check it, and make nothing");
  act<Options>(command, context, async ([name = ""], options) => {
    const request = await requestOf(context, name, options);
    return withConnection(connect(context, options), async (client) => {
      const dryRun = options.dryRun === true;
      const made = await client.triggers.create(request, { dryRun });
      if (options.json) printJson(context, made);
      else context.stdout.write(describe(context, made));
      if (dryRun) context.stderr.write("nothing was made\n");
      return undefined;
    });
  });
}

async function requestOf(context: CliContext, name: string, options: Options): Promise<TriggerRequest> {
  const { on = [], of, where = [], eventAs, maxPerMinute, maxDepth, paused } = options;
  if (on.length === 0) {
    throw new CliError("when? a trigger needs --on", { hint: "For example --on task.failed." });
  }
  const conditions = Object.fromEntries(where.map(conditionOf));
  const counted: TriggerOn = {
    types: on as EventType[],
    ...(of === undefined ? {} : { capability: of }),
    ...(where.length === 0 ? {} : { where: conditions }),
  };
  const work = await workOf(context, "a trigger", options, eventAs);
  return {
    name,
    on: counted,
    ...(eventAs === undefined ? {} : { eventAs }),
    ...(maxPerMinute === undefined ? {} : { maxPerMinute }),
    ...(maxDepth === undefined ? {} : { maxDepth }),
    ...(paused === undefined ? {} : { paused }),
    ...work,
  };
}

/** `data.path=plans/*`: a beginning; `data.version=3`: a number, as JSON would read it; anything else is a text. */
function conditionOf(text: string): [string, TriggerCondition] {
  const at = text.indexOf("=");
  if (at < 1)
    throw new CliError(`--where wants place=value, not ${text}`, { hint: "For example data.project=shop." });
  const [place, value] = [text.slice(0, at), text.slice(at + 1)];
  if (value.length > 1 && value.endsWith("*")) return [place, { prefix: value.slice(0, -1) }];
  if (/^(true|false|-?\d+(\.\d+)?)$/.test(value)) return [place, JSON.parse(value) as number | boolean];
  return [place, value];
}
