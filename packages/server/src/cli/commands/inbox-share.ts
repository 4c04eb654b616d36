import { type AutonomyHistory, type AutonomyShare, limits } from "@muster/sdk/protocol";
import { type Command, Option } from "commander";
import type { CliContext } from "../cli-context.ts";
import { connectOrOpen, withConnection } from "../connect/connect.ts";
import { act, defineCommand, duration, wholeNumber, withJson, withServer } from "../define-command.ts";
import type { InboxOptions } from "../inbox-options.ts";
import { printJson } from "../print-json.ts";
import { type Column, renderTable } from "../render/table.ts";

type ShareOptions = InboxOptions & {
  since?: number;
  days?: number;
  by?: "day" | "capability";
  capability?: string;
};

export function addInboxShareCommand(inbox: Command, context: CliContext): void {
  const command = defineCommand(inbox, "share", {
    summary: "show how much is finished without people",
    description:
      "Shows how many tasks were completed, and how many of them without a person: of the tasks that are kept, or with --days, " +
      "--by or --capability day by day, also of those that are not kept any more. Days are of UTC.",
    examples: [
      ["muster inbox share --since 7d", "of the tasks that were completed within the last week"],
      ["muster inbox share --days 90", "each of the last 90 days"],
      ["muster inbox share --by capability", "each capability, over the last 30 days"],
      ["muster inbox share --capability code_review --json", "the days of one capability, as JSON"],
    ],
  });
  withServer(withJson(command))
    .addOption(
      duration("--since <duration>", "how far back to look (default: 1d)").conflicts([
        "days",
        "by",
        "capability",
      ]),
    )
    .addOption(
      wholeNumber("--days <n>", "how many days, today included (default: 30)", 1, limits.autonomyDays),
    )
    .addOption(
      new Option("--by <what>", "what each line is of (default: day)").choices(["day", "capability"]),
    )
    .option("--capability <name>", "only tasks of this capability");
  act<ShareOptions>(command, context, async (_, options) =>
    withConnection(connectOrOpen(context, options), async ({ inbox: client }) => {
      const { since, days, by, capability, json } = options;
      if (days !== undefined || by !== undefined || capability !== undefined) {
        const history = await client.history({
          ...(days !== undefined && { days }),
          ...(by !== undefined && { by }),
          ...(capability !== undefined && { capability }),
        });
        if (json) printJson(context, history);
        else context.stdout.write(historyText(context, history));
        return undefined;
      }
      const found = await client.share(since === undefined ? {} : { sinceMs: since });
      if (json) printJson(context, found);
      else context.stdout.write(`${shareText(found, `; ${found.waiting} questions wait`)}\n`);
      return undefined;
    }),
  );
}

const shareText = ({ finished, withPeople, share }: AutonomyShare, more = ""): string =>
  `finished without a person: ${share === null ? "nothing to say" : percent(share)} (${finished - withPeople} of ${finished} tasks${more})`;

function historyText(context: CliContext, history: AutonomyHistory): string {
  const { from, to, items } = history;
  type Item = AutonomyHistory["items"][number];
  const columns: Column<Item>[] = [
    items.some(({ day }) => day !== null)
      ? { title: "DAY", value: ({ day }) => day ?? "" }
      : { title: "CAPABILITY", value: ({ capability }) => nameOf(capability ?? ""), shrinks: true },
    { title: "FINISHED", value: ({ finished }) => String(finished), align: "right" },
    { title: "WITH PEOPLE", value: ({ withPeople }) => String(withPeople), align: "right" },
    { title: "WITHOUT", value: ({ share }) => (share === null ? "" : percent(share)), align: "right" },
  ];
  const { stdout } = context;
  const table = items.length === 0 ? "" : renderTable(columns, items, stdout.columns(), stdout.colors.dim);
  return `${table}${from} to ${to}: ${shareText(history)}\n`;
}

const nameOf = (capability: string): string =>
  capability === "" ? "(none named)" : capability === "*" ? "(others)" : capability;

/** Never rounded up to all of them. */
const percent = (share: number): string =>
  `${(share === 1 ? 100 : Math.min(share * 100, 99.9)).toFixed(1)} %`;
