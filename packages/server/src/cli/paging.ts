import { type Command, Option } from "commander";
import type { CliContext } from "./cli-context.ts";
import { wholeNumber } from "./define-command.ts";
import { printJson } from "./print-json.ts";

/** How a list goes on behind a page: newest first, behind what is `before` it, or in order, behind what is `after` it. */
type Cursor = "before" | "after";

export interface PageOptions {
  limit?: number;
  before?: string;
  after?: string;
}

const defaultLimit = 50;
const mostPerPage = 500;

/** The options of a command that lists page by page. */
export const withPages = (command: Command, cursor: Cursor = "before"): Command =>
  command
    .addOption(wholeNumber("--limit <number>", `at most so many (default: ${defaultLimit})`, 1, mostPerPage))
    .addOption(new Option(`--${cursor} <cursor>`, "go on behind an earlier page"));

/** What these options ask for. */
export const pageOf = ({ limit = defaultLimit, before, after }: PageOptions) => ({
  limit,
  ...(before !== undefined && { before }),
  ...(after !== undefined && { after }),
});

/** Prints a page as JSON or as a table, or says that there is `none`; and how to go on, where there is more. */
export function printPage<Item>(
  context: CliContext,
  page: { items: readonly Item[]; next: string | null },
  how: {
    json: boolean | undefined;
    none: string;
    table: (items: readonly Item[]) => string;
    cursor?: Cursor;
  },
): void {
  if (how.json) printJson(context, page);
  else if (page.items.length === 0) context.stderr.write(`${how.none}\n`);
  else context.stdout.write(how.table(page.items));
  if (page.next !== null) context.stderr.write(`more: --${how.cursor ?? "before"} ${page.next}\n`);
}
