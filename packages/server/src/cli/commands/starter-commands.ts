import type { Client, Page } from "@muster/sdk";
import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, connect, withConnection } from "../connect/connect.ts";
import { act, type CommandText, defineCommand, withJson, withServer } from "../define-command.ts";
import { type PageOptions, pageOf, printPage, withPages } from "../paging.ts";
import { printJson } from "../print-json.ts";
import { statusStyle } from "../render/status-style.ts";
import { type Column, renderTable } from "../render/table.ts";

export type StarterOptions = ConnectOptions & { json?: boolean };

/** What every starter says of itself. */
interface Starter {
  name: string;
  status: string;
  starts: string;
  what: string;
  started: number;
  skipped: number;
}

interface StarterClient<One, Detail> {
  list(filter: { status?: never; before?: string; limit: number }): Promise<Page<One>>;
  get(name: string): Promise<Detail>;
  pause(name: string): Promise<One>;
  resume(name: string): Promise<One>;
  delete(name: string): Promise<One>;
}

/** What schedules and triggers are called, and where they differ. */
export interface StarterKind<One extends Starter, Detail> {
  noun: "schedule" | "trigger";
  /** A name for examples. */
  example: string;
  statuses: readonly string[];
  client(client: Client): StarterClient<One, Detail>;
  /** When it starts its work. */
  on: Column<One>;
  /** What is to be known of its newest or next start. */
  moment: Column<One>;
  show: { summary: string; description: string };
  describe(context: CliContext, one: Detail): string;
  pause: string;
  resume: string;
  /** Said of one that was paused or resumed, behind its name. */
  after?(one: One): string;
}

/**
 * What can be done with whatever starts work by itself, be it at times or on events: list, show, pause, resume and
 * delete it.
 */
export function addStarterCommands<One extends Starter, Detail>(
  group: Command,
  context: CliContext,
  kind: StarterKind<One, Detail>,
): void {
  const { noun, example } = kind;
  list();
  command(`show <${noun}>`, {
    ...kind.show,
    examples: [[`muster ${noun} show ${example} --json`, "with what it starts, as JSON"]],
    ask: (starters, word) => starters.get(word),
    say: (found) => kind.describe(context, found),
  });
  change("pause", "paused");
  change("resume", "resumed");
  command(`rm <${noun}>`, {
    summary: `delete a ${noun}`,
    description: `Deletes a ${noun}. What it started goes on.`,
    examples: [[`muster ${noun} rm ${example}`, "by its name or id"]],
    ask: (starters, word) => starters.delete(word),
    say: ({ name }) => `deleted ${name}\n`,
  });

  function change(how: "pause" | "resume", done: string): void {
    command(`${how} <${noun}>`, {
      summary: kind[how],
      examples: [[`muster ${noun} ${how} ${example}`, "by its name or id"]],
      ask: (starters, word) => starters[how](word),
      say: (changed) => `${done} ${changed.name}${kind.after?.(changed) ?? ""}\n`,
    });
  }

  /** A command that asks for one starter, by its name or id, and says what came of it. */
  function command<Answer>(
    usage: string,
    {
      ask,
      say,
      ...words
    }: CommandText & {
      ask: (starters: StarterClient<One, Detail>, word: string) => Promise<Answer>;
      say: (answer: Answer) => string;
    },
  ): void {
    const made = withServer(withJson(defineCommand(group, usage, words)));
    act<StarterOptions>(made, context, async ([word = ""], options) =>
      withConnection(connect(context, options), async (client) => {
        const answer = await ask(kind.client(client), word);
        if (options.json) printJson(context, answer);
        else context.stdout.write(say(answer));
        return undefined;
      }),
    );
  }

  function list(): void {
    const made = defineCommand(group, "list", {
      summary: `list ${noun}s, newest first`,
      examples: [[`muster ${noun} list --status paused`, "those that wait for somebody"]],
    });
    withServer(withJson(made)).addOption(
      new Option("--status <status>", `only ${noun}s in this status`).choices(kind.statuses),
    );
    withPages(made);
    // The choices above are the statuses that there are.
    type Filter = StarterOptions & PageOptions & { status?: never };
    act<Filter>(made, context, async (_, { status, ...options }) =>
      withConnection(connect(context, options), async (client) => {
        const filter = { ...pageOf(options), ...(status !== undefined && { status }) };
        const page = await kind.client(client).list(filter);
        printPage(context, page, { json: options.json, none: `there is no ${noun}`, table });
        return undefined;
      }),
    );
  }

  function table(starters: readonly One[]): string {
    const { colors } = context.stdout;
    const columns: Column<One>[] = [
      { title: "NAME", value: ({ name }) => name },
      {
        title: "STATUS",
        value: ({ status }) => status,
        style: (text, { status }) => statusStyle(colors, status)(text),
      },
      kind.on,
      { title: "STARTS", value: ({ starts, what }) => `${starts} ${what}`, shrinks: true },
      kind.moment,
      { title: "STARTED", value: ({ started }) => String(started), align: "right", optional: true },
      { title: "SKIPPED", value: ({ skipped }) => String(skipped), align: "right", optional: true },
    ];
    return renderTable(columns, starters, context.stdout.columns(), colors.dim);
  }
}
