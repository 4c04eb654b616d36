import type { Client } from "@muster/sdk";
import type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterReport,
  DeadLetterSelection,
} from "@muster/sdk/protocol";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { type ConnectOptions, connect, connectOrOpen, withConnection } from "../connect/connect.ts";
import { act, defineCommand, defineGroup, duration, withJson, withServer } from "../define-command.ts";
import { type PageOptions, pageOf, printPage, withPages } from "../paging.ts";
import { printJson } from "../print-json.ts";
import { describeFields } from "../render/describe-fields.ts";
import { formatAge } from "../render/format-duration.ts";
import { renderTable } from "../render/table.ts";
import { taskFields } from "./task-show.ts";

interface Filter {
  capability?: string;
  run?: string;
  code?: string;
  olderThan?: number;
  newerThan?: number;
}
type Options = ConnectOptions & { json?: boolean };
interface Bulk extends Options, Filter {
  all?: boolean;
  yes?: boolean;
}

export function addDeadCommand(program: Command, context: CliContext): void {
  const dead = defineGroup(program, "dead", "look at tasks that failed for good, retry or drop them");
  addList(dead, context);
  addShow(dead, context);
  addBulk(dead, context, "retry", {
    summary: "give dead letters their attempts back",
    description: "Retries dead letters, with the parents and the runs that failed because of them.",
    past: "retried",
  });
  addBulk(dead, context, "drop", {
    summary: "take dead letters off the list",
    description:
      "Takes dead letters off the list. Their tasks stay failed, and are removed with their retention.",
    past: "dropped",
  });
}

const withFilter = (command: Command): Command =>
  withServer(withJson(command))
    .option("--capability <name>", "only those of this capability")
    .option("--run <id>", "only those of this run")
    .option("--code <code>", "only those whose last error has this code")
    .addOption(duration("--older-than <duration>", "only those that failed at least this long ago"))
    .addOption(duration("--newer-than <duration>", "only those that failed within this time"));

const filterOf = ({ capability, run, code, olderThan, newerThan }: Filter): DeadLetterFilter => ({
  ...(capability !== undefined && { capability }),
  ...(run !== undefined && { runId: run }),
  ...(code !== undefined && { code }),
  ...(olderThan !== undefined && { olderThanMs: olderThan }),
  ...(newerThan !== undefined && { newerThanMs: newerThan }),
});

function addList(dead: Command, context: CliContext): void {
  const command = defineCommand(dead, "list", {
    summary: "list dead letters, newest first",
    description: "Lists tasks that failed for good, by themselves, and that nobody has retried or dropped.",
    examples: [
      ["muster dead list --newer-than 1h", "what failed for good within the last hour"],
      ["muster dead list --code rate_limited --json", "by the code of the last error, as JSON"],
    ],
  });
  withPages(withFilter(command));
  act<Options & Filter & PageOptions>(command, context, async (_, options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const page = await client.deadLetters.list({ ...filterOf(options), ...pageOf(options) });
      const shown = (letters: readonly DeadLetter[]) => table(context, letters);
      printPage(context, page, { json: options.json, none: "no dead letter fits", table: shown });
      return undefined;
    }),
  );
}

function table(context: CliContext, letters: readonly DeadLetter[]): string {
  return renderTable(
    [
      { title: "TASK", value: (letter) => letter.taskId },
      {
        title: "WHAT",
        value: (letter) => letter.capability ?? `for ${letter.requestedAgent}`,
        shrinks: true,
      },
      { title: "FAILED", value: (letter) => formatAge(letter.diedAt, context.now()) },
      { title: "TRIES", value: (letter) => String(letter.attempts), align: "right", optional: true },
      { title: "AGENTS", value: (letter) => letter.agents.join(", "), shrinks: true, optional: true },
      { title: "CAUSE", value: ({ error }) => `${error.code}: ${error.message}`, shrinks: true },
    ],
    letters,
    context.stdout.columns(),
    context.stdout.colors.dim,
  );
}

function addShow(dead: Command, context: CliContext): void {
  const command = defineCommand(dead, "show <task>", {
    summary: "show one dead letter with all its attempts",
    examples: [
      ["muster dead show 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f", "who tried, when, and what came of it"],
    ],
  });
  withServer(withJson(command));
  act<Options>(command, context, async ([id = ""], options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const found = await client.tasks.get(id);
      if (options.json) printJson(context, found);
      else context.stdout.write(describeFields(context.stdout.colors, taskFields(context, found)));
      return undefined;
    }),
  );
}

function addBulk(
  dead: Command,
  context: CliContext,
  verb: "retry" | "drop",
  text: { summary: string; description: string; past: string },
): void {
  const command = defineCommand(dead, `${verb} [tasks...]`, {
    summary: text.summary,
    description: text.description,
    examples: [
      [`muster dead ${verb} 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f`, "one, by the id of its task"],
      [`muster dead ${verb} --capability code_review --yes`, "all of a capability, without asking"],
    ],
  });
  withFilter(command).option("--all", "all that there are").option("--yes", "do it, however many they are");
  act<Bulk>(command, context, async (ids, options) =>
    withConnection(connect(context, options), async (client) => {
      const selection = await selectionOf(client, ids, options, verb);
      const report = await everyPage((before) => client.deadLetters[verb]({ ...selection, ...before }));
      if (options.json) printJson(context, report);
      else tell(context, report, text.past);
      return report.skipped.length > 0 ? 1 : undefined;
    }),
  );
}

/** Several at once have to be confirmed: they are counted first. */
async function selectionOf(
  client: Client,
  ids: string[],
  options: Bulk,
  verb: string,
): Promise<DeadLetterSelection> {
  const filter = filterOf(options);
  if (ids.length > 0) {
    if (options.all || Object.keys(filter).length > 0)
      throw new CliError("give ids of tasks, or say which with options, not both");
    return { ids };
  }
  if (!options.all && Object.keys(filter).length === 0)
    throw new CliError(`which dead letters shall it ${verb}?`, {
      hint: `Give ids of tasks, an option such as --capability, or --all; see \`muster dead ${verb} --help\`.`,
    });
  if (!options.yes) {
    const { items, next } = await client.deadLetters.list({ ...filter, limit: 500 });
    const count = next === null ? String(items.length) : `more than ${items.length}`;
    throw new CliError(`this would ${verb} ${count} dead letters`, { hint: "Say --yes to do it." });
  }
  return { ...filter, ...(options.all && { all: true as const }) };
}

async function everyPage(
  call: (from: { before?: string }) => Promise<DeadLetterReport>,
): Promise<DeadLetterReport> {
  const whole: DeadLetterReport = { done: [], runs: [], skipped: [], next: null };
  for (let before: string | null | undefined; before !== null; ) {
    const report = await call(before === undefined ? {} : { before });
    whole.done.push(...report.done);
    whole.runs.push(...report.runs);
    whole.skipped.push(...report.skipped);
    before = report.next;
  }
  return whole;
}

function tell(context: CliContext, { done, runs, skipped }: DeadLetterReport, past: string): void {
  const noun = (count: number, word: string) => `${count} ${word}${count === 1 ? "" : "s"}`;
  context.stdout.write(`${past} ${noun(done.length, "dead letter")}\n`);
  for (const run of runs) context.stdout.write(`run ${run} goes on\n`);
  for (const { taskId, reason } of skipped) context.stderr.write(`left task ${taskId}: ${reason}\n`);
}
