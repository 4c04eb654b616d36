import type { InboxItem } from "@muster/sdk/protocol";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { connectOrOpen, withConnection } from "../connect/connect.ts";
import { act, defineCommand, defineGroup, withJson, withServer } from "../define-command.ts";
import { asOf, type InboxOptions, withPerson } from "../inbox-options.ts";
import { type PageOptions, pageOf, printPage, withPages } from "../paging.ts";
import { printJson } from "../print-json.ts";
import { describeItem, whom } from "../render/describe-item.ts";
import { formatAge } from "../render/format-duration.ts";
import { renderTable } from "../render/table.ts";
import { addInboxAnswerCommand } from "./inbox-answer.ts";
import { addInboxGivingCommands } from "./inbox-give.ts";
import { addInboxShareCommand } from "./inbox-share.ts";

export function addInboxCommand(program: Command, context: CliContext): void {
  const inbox = defineGroup(program, "inbox", "look at what waits for people, and answer it");
  addList(inbox, context);
  addShow(inbox, context);
  addInboxAnswerCommand(inbox, context);
  addInboxGivingCommands(inbox, context);
  addInboxShareCommand(inbox, context);
}

function addList(inbox: Command, context: CliContext): void {
  const command = defineCommand(inbox, "list", {
    summary: "list what waits, oldest first",
    description: "Lists open questions, approvals and tasks: of one person, or all that there are.",
    examples: [
      ["muster inbox list", "everything that waits, or with a person's key what waits for that person"],
      ["muster inbox list --as anna --json", "what anna may answer, as JSON"],
    ],
  });
  withPerson(command)
    .option("--run <id>", "only what a run waits for")
    .option("--parent <id>", "only what a task asks");
  withPages(command, "after");
  type ListOptions = InboxOptions & PageOptions & { run?: string; parent?: string };
  act<ListOptions>(command, context, async (_, options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const { run, parent, json } = options;
      const page = await client.inbox.list({
        ...asOf(options),
        ...(run !== undefined && { runId: run }),
        ...(parent !== undefined && { parentId: parent }),
        ...pageOf(options),
      });
      const shown = (items: readonly InboxItem[]) => table(context, items);
      printPage(context, page, { json, none: "nothing waits", table: shown, cursor: "after" });
      return undefined;
    }),
  );
}

function table(context: CliContext, items: readonly InboxItem[]): string {
  return renderTable(
    [
      { title: "TASK", value: (item) => item.taskId },
      { title: "KIND", value: (item) => item.kind },
      { title: "WHAT", value: (item) => item.question ?? item.capability ?? "", shrinks: true },
      { title: "FOR", value: (item) => whom(item.to), shrinks: true, optional: true },
      { title: "CLAIMED BY", value: (item) => item.claimedBy ?? "", shrinks: true, optional: true },
      { title: "ASKED", value: (item) => formatAge(item.createdAt, context.now()) },
    ],
    items,
    context.stdout.columns(),
    context.stdout.colors.dim,
  );
}

function addShow(inbox: Command, context: CliContext): void {
  const command = defineCommand(inbox, "show <task>", {
    summary: "show one item with all that is known of it",
    examples: [
      [
        "muster inbox show 0199aa41-7c1e-7000-8000-3f2b5c6d7e8f",
        "the question, and what an answer has to be",
      ],
    ],
  });
  withServer(withJson(command));
  act<InboxOptions>(command, context, async ([id = ""], options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const item = await client.inbox.get(id);
      if (options.json) printJson(context, item);
      else context.stdout.write(describeItem(context, item));
      return undefined;
    }),
  );
}
