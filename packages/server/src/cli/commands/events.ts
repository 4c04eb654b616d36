import type { Client } from "@muster/sdk";
import type { Event, EventType } from "@muster/sdk/protocol";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { exitCodes } from "../cli-error.ts";
import { type ConnectOptions, connect, connectOrOpen, withConnection } from "../connect/connect.ts";
import { act, defineCommand, repeatable, wholeNumber, withJson, withServer } from "../define-command.ts";
import { describeEvent } from "../render/describe-event.ts";
import { watchInterrupts } from "../watch-interrupts.ts";

interface Options extends ConnectOptions {
  json?: boolean;
  follow?: boolean;
  after?: number;
  task?: string;
  run?: string;
  type?: string[];
  limit?: number;
}

/** Without `--after`, events of everything are looked for among this many of the newest. */
const lookBack = 10_000;
const pageSize = 500;

export function addEventsCommand(program: Command, context: CliContext): void {
  const command = defineCommand(program, "events", {
    summary: "print events, or follow them as they happen",
    description:
      "Prints the newest events, oldest first, one per line; with --follow each new one as it happens, through " +
      "restarts of the server, until Ctrl-C. With --json every line is one event as JSON.",
    examples: [
      ["muster events --follow", "watch what happens"],
      ["muster events --run ID", "the story of a run"],
      ["muster events --follow --type task.failed --json | jq .data.error", "failures for a script"],
      ["muster events --follow --after 1200", "go on behind an event that was seen"],
    ],
  });
  withServer(withJson(command))
    .option("-f, --follow", "print new events as they happen")
    .addOption(wholeNumber("--after <seq>", "only events behind this number", 0, Number.MAX_SAFE_INTEGER))
    .option("--task <id>", "only events of this task")
    .option("--run <id>", "only events of this run")
    .addOption(repeatable("--type <type>", "only events of this type, such as task.failed; may be repeated"))
    .addOption(
      wholeNumber("--limit <number>", "without --follow, at most so many (default: 50)", 1, 100_000),
    );
  act<Options>(command, context, async (_, options) => {
    if (options.follow) {
      return withConnection(connect(context, options), (client) => followEvents(context, client, options));
    }
    return withConnection(connectOrOpen(context, options), (client) => printEvents(context, client, options));
  });
}

function filterOf({ task, run, type }: Options) {
  const types = type?.flatMap((one) => one.split(",")) as EventType[] | undefined;
  return {
    ...(task !== undefined && { taskId: task }),
    ...(run !== undefined && { runId: run }),
    ...(types !== undefined && { types }),
  };
}

/** One event per line; as JSON these lines are NDJSON. */
function lineOf(context: CliContext, event: Event, json: boolean | undefined): string {
  return `${json ? JSON.stringify(event) : describeEvent(event, context.stdout.colors)}\n`;
}

async function followEvents(context: CliContext, client: Client, options: Options): Promise<number> {
  const interrupts = watchInterrupts(context);
  const signal = AbortSignal.any([interrupts.signal, context.stdout.closed]);
  try {
    const { after } = options;
    const events = client.events.follow({
      ...filterOf(options),
      ...(after !== undefined && { after }),
      signal,
    });
    for await (const event of events) {
      context.stdout.write(lineOf(context, event, options.json));
      if (signal.aborted) break;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    interrupts.stop();
  }
  return exitCodes.ok;
}

async function printEvents(context: CliContext, client: Client, options: Options): Promise<number> {
  const limit = options.limit ?? 50;
  const filter = filterOf(options);
  const ofOne = options.task !== undefined || options.run !== undefined;
  const forward = options.after !== undefined;
  let after = options.after ?? 0;
  if (!forward && !ofOne) {
    const newest = (await client.info()).latestEvent;
    after = Math.max(0, newest - (options.type === undefined ? limit : lookBack));
  }
  const kept: Event[] = [];
  while (!context.stdout.closed.aborted) {
    const { items } = await client.events.read({ ...filter, after, limit: pageSize });
    kept.push(...items);
    if (forward && kept.length >= limit) kept.length = limit;
    if (!forward && kept.length > limit) kept.splice(0, kept.length - limit);
    after = items.at(-1)?.seq ?? after;
    if (items.length < pageSize || (forward && kept.length >= limit)) break;
  }
  for (const event of kept) context.stdout.write(lineOf(context, event, options.json));
  if (kept.length === 0) context.stderr.write("no event fits\n");
  return exitCodes.ok;
}
