import type { StateEntry, StateVersion } from "@muster/sdk/protocol";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { exitCodes } from "../cli-error.ts";
import { connect, withConnection } from "../connect/connect.ts";
import { act, defineCommand, wholeNumber } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { formatAge } from "../render/format-duration.ts";
import { printable } from "../render/printable.ts";
import { renderTable } from "../render/table.ts";
import { watchInterrupts } from "../watch-interrupts.ts";
import { onProject, projectOf, type StateOptions, versionOption, withState } from "./state-options.ts";

const pageSize = 500;

/** The commands that look at many documents, or at what has happened to one. */
export function addStateLookCommands(state: Command, context: CliContext): void {
  addList(state, context);
  addHistory(state, context);
  addDiff(state, context);
  addWatch(state, context);
}

function addList(state: Command, context: CliContext): void {
  const command = defineCommand(state, "list [prefix]", {
    summary: "list documents, or projects",
    description:
      "Lists the documents of a project in the order of their paths; with --projects the projects.",
    examples: [
      ["muster state list plans/ --project shop", "those whose path begins so"],
      ["muster state list --projects", "which projects there are"],
    ],
  });
  withState(command).option("--projects", "list the projects");
  act<StateOptions & { projects?: boolean }>(command, context, async ([prefix], options) =>
    withConnection(connect(context, options), async (client) => {
      if (options.projects) {
        const projects = await client.state.projects();
        if (options.json) printJson(context, projects);
        else
          for (const { project, documents } of projects)
            context.stdout.write(`${project} (${documents} documents)\n`);
        return undefined;
      }
      const project = client.state.project(projectOf(options));
      const entries: StateEntry[] = [];
      for (let after: string | undefined; ; ) {
        const page = await project.list({
          limit: pageSize,
          ...(prefix === undefined ? {} : { prefix }),
          ...(after === undefined ? {} : { after }),
        });
        entries.push(...page.items);
        if (page.next === null) break;
        after = page.next;
      }
      if (options.json) printJson(context, entries);
      else if (entries.length === 0) context.stderr.write("no document fits\n");
      else context.stdout.write(table(context, entries, { title: "PATH", value: (one) => one.path }));
      return undefined;
    }),
  );
}

function table<T extends Omit<StateVersion, "deleted">>(
  context: CliContext,
  rows: readonly T[],
  first: { title: string; value: (row: T) => string },
): string {
  return renderTable<T>(
    [
      { ...first, shrinks: true },
      { title: "VERSION", value: (row) => String(row.version), align: "right" },
      { title: "BYTES", value: (row) => String(row.bytes), align: "right" },
      { title: "WRITTEN", value: (row) => formatAge(row.writtenAt, context.now()) },
      { title: "BY", value: (row) => printable(row.writtenBy), shrinks: true },
    ],
    rows,
    context.stdout.columns(),
    context.stdout.colors.dim,
  );
}

function addHistory(state: Command, context: CliContext): void {
  const command = defineCommand(state, "history <path>", {
    summary: "list the versions of a document",
    examples: [["muster state history plan", "who wrote it when, newest first"]],
  });
  withState(command).addOption(wholeNumber("--limit <number>", "at most so many (default: 50)", 1, pageSize));
  act<StateOptions & { limit?: number }>(command, context, async ([path = ""], options) =>
    onProject(context, options, async (project) => {
      const { items } = await project.versions(path, { limit: options.limit ?? 50 });
      if (options.json) printJson(context, items);
      else {
        const what = (one: StateVersion) => (one.deleted ? "deleted" : "written");
        context.stdout.write(table(context, items, { title: "CHANGE", value: what }));
      }
    }),
  );
}

function addDiff(state: Command, context: CliContext): void {
  const command = defineCommand(state, "diff <path>", {
    summary: "show what has changed between two versions",
    description: "Prints the JSON Patch that makes one version of another, an operation per line.",
    examples: [["muster state diff plan --from 3 --to 5", "what versions 4 and 5 changed"]],
  });
  withState(command)
    .addOption(versionOption("--from <number>", "the older version").makeOptionMandatory())
    .addOption(versionOption("--to <number>", "the newer version").makeOptionMandatory());
  act<StateOptions & { from: number; to: number }>(command, context, async ([path = ""], options) =>
    onProject(context, options, async (project) => {
      const diff = await project.diff(path, options.from, options.to);
      if (options.json) printJson(context, diff);
      else for (const operation of diff.patch) context.stdout.write(`${JSON.stringify(operation)}\n`);
    }),
  );
}

function addWatch(state: Command, context: CliContext): void {
  const command = defineCommand(state, "watch [prefix]", {
    summary: "print changes as they happen",
    description:
      "Prints each change of a project as it happens, through restarts of the server, until Ctrl-C. With --json " +
      "every line is one change as JSON; its `position` goes on with --after.",
    examples: [["muster state watch plans/ --after 1200 --json", "everything since then, for a script"]],
  });
  withState(command).addOption(
    wholeNumber("--after <position>", "also changes behind this position", 0, Number.MAX_SAFE_INTEGER),
  );
  act<StateOptions & { after?: number }>(command, context, async ([prefix], options) => {
    const interrupts = watchInterrupts(context);
    const signal = AbortSignal.any([interrupts.signal, context.stdout.closed]);
    const { after } = options;
    try {
      return await onProject(context, options, async (project) => {
        const changes = project.watch({
          signal,
          ...(after === undefined ? {} : { after }),
          ...(prefix === undefined ? {} : { prefix }),
        });
        for await (const change of changes) {
          const { position, path, version, deleted, writtenBy } = change;
          const line = `${position} ${deleted ? "deleted" : "written"} ${path} version ${version} by ${printable(writtenBy)}`;
          context.stdout.write(`${options.json ? JSON.stringify(change) : line}\n`);
        }
      });
    } catch (error) {
      if (!signal.aborted) throw error;
      return exitCodes.ok;
    } finally {
      interrupts.stop();
    }
  });
}
