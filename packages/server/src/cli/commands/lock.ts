import type { Lock, LockDetail } from "@muster/sdk/protocol";
import { type Command, InvalidArgumentError } from "commander";
import type { CliContext } from "../cli-context.ts";
import { type ConnectOptions, connect, withConnection } from "../connect/connect.ts";
import { act, defineCommand, defineGroup, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { describeFields } from "../render/describe-fields.ts";
import { formatAge } from "../render/format-duration.ts";
import { printable } from "../render/printable.ts";
import { renderTable } from "../render/table.ts";

type Options = ConnectOptions & { json?: boolean };

/** Those in line that are named; `--json` names up to 100. */
const shownInLine = 10;

export function addLockCommand(program: Command, context: CliContext): void {
  const lock = defineGroup(program, "lock", "list locks, see who holds one, take it away");
  addList(lock, context);
  addShow(lock, context);
  addRelease(lock, context);
}

function addList(lock: Command, context: CliContext): void {
  const command = defineCommand(lock, "list", {
    summary: "list locks",
    description: "Lists the locks that are held or waited for, in the order of their names.",
    examples: [
      ["muster lock list", "every lock with its holder and how many wait"],
      ["muster lock list --prefix deploy/", "those whose name begins so"],
    ],
  });
  withServer(withJson(command))
    .option("--prefix <text>", "only locks whose name begins with this")
    .option("--limit <n>", "how many at most", readLimit, 50);
  act<Options & { prefix?: string; limit: number }>(command, context, async (_, options) =>
    withConnection(connect(context, options), async (client) => {
      const { prefix, limit } = options;
      const page = await client.locks.list({ limit, ...(prefix !== undefined && { prefix }) });
      if (options.json) printJson(context, page);
      else if (page.items.length === 0) context.stderr.write("no lock is held or waited for\n");
      else context.stdout.write(table(context, page.items));
      if (page.next !== null && !options.json) context.stderr.write("there are more; raise --limit\n");
      return undefined;
    }),
  );
}

function readLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 500) return limit;
  throw new InvalidArgumentError("It is a whole number from 1 to 500.");
}

function table(context: CliContext, locks: readonly Lock[]): string {
  const { colors } = context.stdout;
  return renderTable(
    [
      { title: "NAME", value: (lock) => lock.name, shrinks: true },
      { title: "HOLDER", value: (lock) => printable(lock.holder ?? "-"), shrinks: true },
      { title: "TASK", value: (lock) => lock.taskId ?? "-", optional: true },
      { title: "HELD FOR", value: (lock) => (lock.acquiredAt ? ageOf(context, lock.acquiredAt) : "-") },
      { title: "WAITING", value: (lock) => String(lock.waiting), align: "right" },
      { title: "FENCE", value: (lock) => String(lock.fence), align: "right" },
    ],
    locks,
    context.stdout.columns(),
    colors.dim,
  );
}

const ageOf = (context: CliContext, at: string): string => formatAge(at, context.now());

function addShow(lock: Command, context: CliContext): void {
  const command = defineCommand(lock, "show <name>", {
    summary: "show one lock and who waits for it",
    examples: [["muster lock show deploy/production", "its holder, and the line in order"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async ([name = ""], options) =>
    withConnection(connect(context, options), async (client) => {
      const found = await client.locks.get(name);
      if (options.json) printJson(context, found);
      else context.stdout.write(describe(context, found));
      return undefined;
    }),
  );
}

function describe(context: CliContext, lock: LockDetail): string {
  const more = lock.waiting - shownInLine;
  return describeFields(context.stdout.colors, [
    ["name", lock.name],
    ["tenant", lock.tenant],
    ["holder", lock.holder === null ? "nobody" : printable(lock.holder)],
    ...(lock.taskId === null ? [] : [["task", lock.taskId] as const]),
    ...(lock.acquiredAt === null ? [] : [["held since", lock.acquiredAt] as const]),
    ...(lock.expiresAt === null ? [] : [["ends", `${lock.expiresAt} unless it is renewed`] as const]),
    ["fence", String(lock.fence)],
    ["waiting", String(lock.waiting)],
    ...lock.line
      .slice(0, shownInLine)
      .map(
        ({ holder, taskId }) =>
          ["in line", printable(taskId === null ? holder : `${holder}, task ${taskId}`)] as const,
      ),
    ...(more > 0 ? [["", `and ${more} more`] as const] : []),
  ]);
}

function addRelease(lock: Command, context: CliContext): void {
  const command = defineCommand(lock, "release <name>", {
    summary: "take a lock from whoever holds it",
    description:
      "Takes a lock from its holder, for admins. The next in line gets it under a greater fence, so that what checks fences refuses the former holder.",
    examples: [["muster lock release deploy/production", "when its holder is stuck"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async ([name = ""], options) =>
    withConnection(connect(context, options), async (client) => {
      const answer = await client.locks.forceRelease(name);
      if (options.json) printJson(context, answer);
      else context.stderr.write(answer.released ? `released ${name}\n` : `nobody holds ${name}\n`);
      return undefined;
    }),
  );
}
