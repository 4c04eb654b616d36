import type { Trigger, TriggerDetail, TriggerStatus } from "@muster/sdk/protocol";
import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, connect, withConnection } from "../connect/connect.ts";
import { act, defineCommand, defineGroup, wholeNumber, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { describeFields } from "../render/describe-fields.ts";
import { statusStyle } from "../render/status-style.ts";
import { renderTable } from "../render/table.ts";
import { addTriggerCreateCommand } from "./trigger-create.ts";

type Options = ConnectOptions & { json?: boolean };

export function addTriggerCommand(program: Command, context: CliContext): void {
  const trigger = defineGroup(program, "trigger", "hand in tasks and start workflows when events happen");
  addTriggerCreateCommand(trigger, context, describeTrigger);
  addList(trigger, context);
  addShow(trigger, context);
  addChange(trigger, context, "pause", "let events pass until it is resumed", "paused");
  addChange(trigger, context, "resume", "go on with what happens from now on", "resumed");
  addRemove(trigger, context);
}

function addList(trigger: Command, context: CliContext): void {
  const command = defineCommand(trigger, "list", {
    summary: "list triggers, newest first",
    examples: [["muster trigger list --status paused", "those that wait for somebody"]],
  });
  withServer(withJson(command))
    .addOption(new Option("--status <status>", "only triggers in this status").choices(["active", "paused"]))
    .addOption(wholeNumber("--limit <number>", "at most so many (default: 50)", 1, 500))
    .option("--before <cursor>", "go on behind an earlier page");
  type Filter = Options & { status?: TriggerStatus; limit?: number; before?: string };
  act<Filter>(command, context, async (_, { status, limit = 50, before, ...options }) =>
    withConnection(connect(context, options), async (client) => {
      const filter = {
        limit,
        ...(status !== undefined && { status }),
        ...(before !== undefined && { before }),
      };
      const page = await client.triggers.list(filter);
      if (options.json) printJson(context, page);
      else if (page.items.length === 0) context.stderr.write("there is no trigger\n");
      else context.stdout.write(table(context, page.items));
      if (page.next !== null) context.stderr.write(`more: --before ${page.next}\n`);
      return undefined;
    }),
  );
}

function table(context: CliContext, triggers: readonly Trigger[]): string {
  const { colors } = context.stdout;
  return renderTable(
    [
      { title: "NAME", value: ({ name }) => name },
      {
        title: "STATUS",
        value: ({ status }) => status,
        style: (text, { status }) => statusStyle(colors, status)(text),
      },
      { title: "ON", value: (one) => onOf(one), shrinks: true },
      { title: "STARTS", value: ({ starts, what }) => `${starts} ${what}`, shrinks: true },
      { title: "LAST", value: ({ lastAt }) => lastAt ?? "" },
      { title: "STARTED", value: ({ started }) => String(started), align: "right", optional: true },
      { title: "SKIPPED", value: ({ skipped }) => String(skipped), align: "right", optional: true },
    ],
    triggers,
    context.stdout.columns(),
    colors.dim,
  );
}

const onOf = ({ on }: Trigger): string =>
  [
    on.types.join(", "),
    ...(on.capability === undefined ? [] : [`of ${on.capability}`]),
    ...Object.entries(on.where ?? {}).map(([place, value]) => `where ${place} is ${JSON.stringify(value)}`),
  ].join(" ");

function addShow(trigger: Command, context: CliContext): void {
  const command = defineCommand(trigger, "show <trigger>", {
    summary: "show a trigger",
    description: "Shows a trigger, by its name or id, and what it has done.",
    examples: [["muster trigger show mend --json", "with what it starts, as JSON"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async ([word = ""], options) =>
    withConnection(connect(context, options), async (client) => {
      const found = await client.triggers.get(word);
      if (options.json) printJson(context, found);
      else context.stdout.write(describeTrigger(context, found));
      return undefined;
    }),
  );
}

function describeTrigger(context: CliContext, one: TriggerDetail): string {
  const { colors } = context.stdout;
  const last =
    one.lastAt === null ? null : `${one.lastAt}: ${one.starts} ${one.lastId} for event ${one.lastEvent}`;
  return describeFields(colors, [
    ["name", one.name],
    ["id", one.id],
    ["status", one.status, statusStyle(colors, one.status)],
    ["on", onOf(one)],
    ["starts", `${one.starts} ${one.what}`],
    ["event as", one.eventAs],
    ["most", `${one.maxPerMinute} a minute, ${one.maxDepth} after each other`],
    ["started", String(one.started)],
    ["left out", one.skipped === 0 ? null : String(one.skipped)],
    ["held until", one.heldUntil],
    ["last", last],
  ]);
}

function addChange(
  trigger: Command,
  context: CliContext,
  change: "pause" | "resume",
  summary: string,
  done: string,
): void {
  const command = defineCommand(trigger, `${change} <trigger>`, {
    summary,
    examples: [[`muster trigger ${change} mend`, "by its name or id"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async ([word = ""], options) =>
    withConnection(connect(context, options), async (client) => {
      const changed = await client.triggers[change](word);
      if (options.json) printJson(context, changed);
      else context.stdout.write(`${done} ${changed.name}\n`);
      return undefined;
    }),
  );
}

function addRemove(trigger: Command, context: CliContext): void {
  const command = defineCommand(trigger, "rm <trigger>", {
    summary: "delete a trigger",
    description: "Deletes a trigger. What it started goes on.",
    examples: [["muster trigger rm mend", "by its name or id"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async ([word = ""], options) =>
    withConnection(connect(context, options), async (client) => {
      const deleted = await client.triggers.delete(word);
      if (options.json) printJson(context, deleted);
      else context.stdout.write(`deleted ${deleted.name}\n`);
      return undefined;
    }),
  );
}
