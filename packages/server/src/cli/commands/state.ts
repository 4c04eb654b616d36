import type { StateWriteOptions } from "@muster/sdk";
import type { PatchOperation } from "@muster/sdk/protocol";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../cli-error.ts";
import { act, defineCommand, defineGroup } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { addStateLookCommands } from "./state-look.ts";
import { onProject, type StateOptions, tellWritten, versionOption, withState } from "./state-options.ts";
import { addStateSnapshotCommand } from "./state-snapshot.ts";
import { addStateSyncCommand } from "./state-sync.ts";

/*
 * State documents from the command line: one at a time here, a whole folder of them with `muster state sync`.
 */
interface WriteOptions extends StateOptions {
  ifVersion?: number;
  new?: boolean;
  merge?: boolean;
}

export function addStateCommand(program: Command, context: CliContext): void {
  const state = defineGroup(program, "state", "read, write and follow versioned JSON documents");
  addGet(state, context);
  addPut(state, context);
  addPatch(state, context);
  addRemove(state, context);
  addStateLookCommands(state, context);
  addStateSyncCommand(state, context);
  addStateSnapshotCommand(state, context);
}

function addGet(state: Command, context: CliContext): void {
  const command = defineCommand(state, "get <path>", {
    summary: "print a document",
    description: "Prints a document as JSON; with --json with its version and who wrote it.",
    examples: [
      ["muster state get plan --project shop", "the newest version"],
      ["muster state get plan --version 3", "an older one"],
    ],
  });
  withState(command).addOption(versionOption("--version <number>", "this version"));
  act<StateOptions & { version?: number }>(command, context, async ([path = ""], options) =>
    onProject(context, options, async (project) => {
      const { version } = options;
      const document = await project.get(path, version === undefined ? {} : { version });
      if (document === null) {
        throw new CliError(`there is no ${version === undefined ? "" : `version ${version} of `}${path}`, {
          hint: "`muster state list` shows the documents, `muster state history` their versions",
          exitCode: exitCodes.failed,
        });
      }
      if (options.json) printJson(context, document);
      else printJson(context, document.content);
    }),
  );
}

function withCondition(command: Command): Command {
  return withState(command)
    .addOption(versionOption("--if-version <number>", "only if this is the newest version"))
    .option("--merge", "with --if-version: merge with what others wrote since");
}

function conditionOf({ ifVersion, new: isNew, merge }: WriteOptions): StateWriteOptions {
  if (isNew && ifVersion !== undefined)
    throw new CliError(
      "--new and --if-version exclude each other: one wants no document, the other a version",
    );
  if (merge && ifVersion === undefined)
    throw new CliError("--merge needs --if-version: the version that the change was made for");
  return {
    ...(isNew ? { ifVersion: 0 } : {}),
    ...(ifVersion === undefined ? {} : { ifVersion }),
    ...(merge ? { merge: "three-way" } : {}),
  };
}

function addPut(state: Command, context: CliContext): void {
  const command = defineCommand(state, "put <path> [json]", {
    summary: "write a document",
    description: "Writes a whole document: JSON on the command line, from --file, or from standard input.",
    examples: [
      [`muster state put plan '{"steps": []}' --new`, "only if there is none yet"],
      ["muster state put plan --file plan.json --if-version 3 --merge", "joined with what others wrote"],
    ],
  });
  withCondition(command)
    .option("--file <file>", "read the JSON from here, - for standard input")
    .option("--new", "only if there is no such document");
  act<WriteOptions & { file?: string }>(command, context, async ([path = "", text], options) => {
    const condition = conditionOf(options);
    if (text !== undefined && options.file !== undefined)
      throw new CliError("the JSON is given twice: as an argument and by --file");
    const content = await readGiven(context, text, options.file);
    return onProject(context, options, async (project) =>
      tellWritten(context, options, await project.put(path, content, condition)),
    );
  });
}

function addPatch(state: Command, context: CliContext): void {
  const command = defineCommand(state, "patch <path> [json]", {
    summary: "change a document",
    description:
      "Changes a document by a JSON Merge Patch (an object: members are set, null removes one) or, if it is a list, by a " +
      "JSON Patch (operations, among them test).",
    examples: [
      [`muster state patch plan '{"owner": "ada", "draft": null}'`, "a JSON Merge Patch"],
      [`muster state patch plan '[{"op": "add", "path": "/steps/-", "value": "ship"}]'`, "a JSON Patch"],
    ],
  });
  withCondition(command).option("--file <file>", "read the JSON from here, - for standard input");
  act<WriteOptions & { file?: string }>(command, context, async ([path = "", text], options) => {
    const condition = conditionOf(options);
    const patch = await readGiven(context, text, options.file);
    return onProject(context, options, async (project) => {
      const written = Array.isArray(patch)
        ? await project.jsonPatch(path, patch as PatchOperation[], condition)
        : await project.mergePatch(path, patch, condition);
      tellWritten(context, options, written);
    });
  });
}

function addRemove(state: Command, context: CliContext): void {
  const command = defineCommand(state, "rm <path>", {
    summary: "delete a document",
    description: "Deletes a document. Its history stays for a while.",
    examples: [["muster state rm plan --if-version 4", "only if nobody changed it since"]],
  });
  withState(command).addOption(versionOption("--if-version <number>", "only if this is the newest version"));
  act<WriteOptions>(command, context, async ([path = ""], options) =>
    onProject(context, options, async (project) =>
      tellWritten(context, options, await project.delete(path, conditionOf(options))),
    ),
  );
}

/** The JSON of an argument, else of a file, - for standard input. */
async function readGiven(context: CliContext, text: string | undefined, file = "-"): Promise<unknown> {
  const { parseJson, readJsonText } = await import("../read-json.ts");
  return text === undefined ? readJsonText(context, file) : parseJson(text, "the argument");
}
