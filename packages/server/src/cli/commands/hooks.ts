import { existsSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { act, defineCommand, defineGroup, withJson } from "../define-command.ts";
import { hooksTable } from "../hooks/hooks-table.ts";
import { lookAtHooks, type SeenHook, shownHook } from "../hooks/look-at-hooks.ts";
import { printJson } from "../print-json.ts";
import { printable } from "../render/printable.ts";

interface Options {
  json?: boolean;
  dir?: string;
  file?: string;
  all?: boolean;
}

export function addHooksCommand(program: Command, context: CliContext): void {
  const hooks = defineGroup(program, "hooks", "show hooks of .claude; approve them or take that back");
  addList(hooks, context);
  addApprove(hooks, context);
  addRevoke(hooks, context);
}

const withPlace = (command: Command): Command =>
  withJson(command).option("--dir <folder>", "the folder with .claude (default: this one)");

function addList(hooks: Command, context: CliContext): void {
  const command = defineCommand(hooks, "list", {
    summary: "list hooks that files of .claude name",
    description:
      "Lists the hooks of .claude/settings.json, .claude/settings.local.json and agents in .claude, here and above as far as " +
      "the repository goes: what each runs, which files of the project an approval covers, and whether it is approved as it " +
      "stands now. What Muster has no event or no kind for is named. Nothing is run.",
    examples: [
      ["muster hooks list", "what could be run here, and what may be"],
      ["muster hooks list --dir ~/src/shop --json", "of another folder, for a program"],
    ],
  });
  act<Options>(withPlace(command), context, async (_, options) => {
    const { hooks: found, problems, unsupported, offIn } = await lookAtHooks(context, options);
    if (options.json) {
      printJson(context, { hooks: found.map(shownHook), problems, unsupported, offIn });
      return undefined;
    }
    for (const { file, problem } of problems)
      context.stderr.write(`${printable(file)}: ${printable(problem)}\n`);
    for (const { file, problem } of unsupported)
      context.stderr.write(`${printable(file)}: not supported: ${printable(problem)}\n`);
    if (offIn !== null) context.stderr.write(`${printable(offIn)} turns all hooks off: none is run\n`);
    if (found.length === 0) context.stderr.write("no file here names a hook that Muster can run\n");
    else context.stdout.write(hooksTable(context.stdout, found));
    return undefined;
  });
}

function addApprove(hooks: Command, context: CliContext): void {
  const command = defineCommand(hooks, "approve [id]", {
    summary: "approve a hook as it stands",
    description:
      "Approves a hook as its file describes it now, with the content of the files of the project that its command names as " +
      "programs, and shows what that is. Another command, matcher or timeout, or another content of these files, needs another " +
      "approval. A Muster that runs here asks the hook from then on. Hooks run in the sandbox of the agents' commands.",
    examples: [
      ["muster hooks approve 3f0c9a", "the hook whose id begins so"],
      ["muster hooks approve --all", "every hook that is listed here"],
    ],
  });
  withPlace(command)
    .option("--file <file>", "only hooks that this file names")
    .option("--all", "all hooks that are listed here");
  act<Options>(command, context, async ([id], options) => {
    const chosen = await choose(context, id, options);
    const approvals = await approvalsOf(context, options);
    const stuck = chosen.find(({ obstacle }) => obstacle !== null);
    if (stuck !== undefined)
      throw new CliError(`the hook ${stuck.key} can't be approved: ${stuck.obstacle}`, {
        hint: "Put what it does into a script of its own.",
      });
    for (const one of chosen) await approvals.approve(one);
    if (options.json) {
      const { hooks: found } = await lookAtHooks(context, options);
      const isChosen = (one: SeenHook): boolean =>
        chosen.some(({ key, source }) => key === one.key && source.file === one.source.file);
      printJson(context, { approved: found.filter(isChosen).map(shownHook) });
    } else for (const one of chosen) context.stdout.write(`approved ${line(one)}\n`);
    return undefined;
  });
}

function addRevoke(hooks: Command, context: CliContext): void {
  const command = defineCommand(hooks, "revoke [id]", {
    summary: "take the approval of a hook back",
    description:
      "Takes an approval back. A Muster that runs here asks the hook no more, and it guards nothing.",
    examples: [["muster hooks revoke 3f0c9a", "it is not run any more"]],
  });
  withPlace(command)
    .option("--file <file>", "only hooks that this file names")
    .option("--all", "all hooks that are listed here");
  act<Options>(command, context, async ([id], options) => {
    const chosen = await choose(context, id, options);
    const approvals = await approvalsOf(context, options);
    const revoked: SeenHook[] = [];
    for (const one of chosen) if (await approvals.revoke(one)) revoked.push(one);
    if (options.json)
      printJson(context, { revoked: revoked.map(({ key, source }) => ({ id: key, file: source.file })) });
    else {
      for (const { key, source } of revoked)
        context.stdout.write(`${key} of ${printable(source.file)} is approved no more\n`);
      if (revoked.length === 0) context.stderr.write("nobody had approved it\n");
    }
    return undefined;
  });
}

const line = ({ key, hook, source, files }: SeenHook): string => {
  const covered = files.length === 0 ? "" : ` (with ${files.map(({ path }) => path).join(", ")})`;
  return printable(`${key} of ${source.file}: ${hook.event} runs ${hook.command}${covered}`);
};

async function approvalsOf(context: CliContext, { dir = "." }: Options) {
  const { openHookApprovals } = await context.claudeAgents();
  return openHookApprovals(context.env, resolve(context.cwd, dir));
}

const fewestOfId = 4;

/** The one hook that was meant; which one it is must be certain. */
async function choose(
  context: CliContext,
  id: string | undefined,
  options: Options,
): Promise<readonly SeenHook[]> {
  const { hooks } = await lookAtHooks(context, options);
  if ((id === undefined) === (options.all !== true))
    throw new CliError("which hook? Name one by its id, or say --all", {
      hint: "`muster hooks list` shows them.",
    });
  if (id !== undefined && id.length < fewestOfId)
    throw new CliError(`an id has at least ${fewestOfId} characters`, {
      hint: "`muster hooks list` shows them.",
    });
  const { dir = ".", file } = options;
  const path = file === undefined ? undefined : resolve(context.cwd, dir, file);
  const wanted = path !== undefined && existsSync(path) ? realpathSync(path) : path;
  const found = hooks.filter(
    (one) =>
      (id === undefined || one.key.startsWith(id)) && (wanted === undefined || one.source.file === wanted),
  );
  if (found.length === 0)
    throw new CliError(id === undefined ? "no file here names a hook" : `no file here names a hook ${id}`, {
      hint: "`muster hooks list` shows those that there are.",
    });
  if (id !== undefined && found.length > 1) {
    const files = found.map(({ key, source }) => `${key} of ${source.file}`).join(", ");
    throw new CliError(`${found.length} hooks begin with ${id}: ${files}`, {
      hint: "Say more of the id, or which file with --file FILE.",
    });
  }
  return found;
}
