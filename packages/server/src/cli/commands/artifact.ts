import type { Artifact, ArtifactEntry } from "@muster/sdk/protocol";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../cli-error.ts";
import { type ConnectOptions, connectOrOpen, withConnection } from "../connect/connect.ts";
import { act, defineCommand, defineGroup, withJson, withServer } from "../define-command.ts";
import { type PageOptions, pageOf, printPage, withPages } from "../paging.ts";
import { printJson } from "../print-json.ts";
import { describeFields } from "../render/describe-fields.ts";
import { formatBytes } from "../render/format-bytes.ts";
import { formatAge } from "../render/format-duration.ts";
import { renderTable } from "../render/table.ts";
import { addArtifactGetCommand } from "./artifact-get.ts";
import { addArtifactPutCommand } from "./artifact-put.ts";

type Options = ConnectOptions & { json?: boolean };

export function addArtifactCommand(program: Command, context: CliContext): void {
  const artifact = defineGroup(
    program,
    "artifact",
    "store files that tasks refer to by their key, and fetch them",
  );
  addArtifactPutCommand(artifact, context);
  addArtifactGetCommand(artifact, context);
  addList(artifact, context);
  addShow(artifact, context);
  addRemove(artifact, context);
}

function addList(artifact: Command, context: CliContext): void {
  const command = defineCommand(artifact, "list", {
    summary: "list artifacts in the order of their keys",
    examples: [
      ["muster artifact list", "the first fifty"],
      ["muster artifact list --prefix reports/2030/ --json", "those of one folder, as JSON"],
    ],
  });
  withServer(withJson(command)).option("--prefix <text>", "only keys that begin with it");
  withPages(command, "after");
  act<Options & PageOptions & { prefix?: string }>(command, context, async (_, { prefix, ...options }) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const page = await client.artifacts.list({
        ...pageOf(options),
        ...(prefix !== undefined && { prefix }),
      });
      const none = `there is no artifact${prefix ? " that fits" : ""}`;
      const shown = (artifacts: readonly ArtifactEntry[]) => table(context, artifacts);
      printPage(context, page, { json: options.json, none, table: shown, cursor: "after" });
      return undefined;
    }),
  );
}

function table(context: CliContext, artifacts: readonly ArtifactEntry[]): string {
  return renderTable(
    [
      { title: "KEY", value: ({ key }) => key },
      { title: "SIZE", value: ({ bytes }) => formatBytes(bytes), align: "right" },
      { title: "STORED", value: ({ storedAt }) => formatAge(storedAt, context.now()) },
    ],
    artifacts,
    context.stdout.columns(),
    context.stdout.colors.dim,
  );
}

function addShow(artifact: Command, context: CliContext): void {
  const command = defineCommand(artifact, "show <key>", {
    summary: "show what is known of an artifact",
    examples: [["muster artifact show reports/page.html --json", "with the SHA-256 of its content"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async ([key = ""], options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const found = await client.artifacts.head(key);
      if (found === null) throw noArtifact(key);
      if (options.json) printJson(context, found);
      else context.stdout.write(describe(context, found));
      return undefined;
    }),
  );
}

function describe(context: CliContext, { key, bytes, sha256, contentType, storedAt }: Artifact): string {
  const size = bytes < 1_024 ? formatBytes(bytes) : `${formatBytes(bytes)} (${bytes} bytes)`;
  return describeFields(context.stdout.colors, [
    ["key", key],
    ["size", size],
    ["type", contentType],
    ["sha-256", sha256],
    ["stored", `${formatAge(storedAt, context.now())} (${storedAt})`],
  ]);
}

function addRemove(artifact: Command, context: CliContext): void {
  const command = defineCommand(artifact, "rm <key...>", {
    summary: "delete artifacts for good",
    description:
      "Deletes artifacts for good. A key that none has is an error; the others are deleted all the same.",
    examples: [["muster artifact rm reports/old.html reports/older.html", "both of them"]],
  });
  withServer(withJson(command));
  act<Options>(command, context, async (keys, options) =>
    withConnection(connectOrOpen(context, options), async (client) => {
      const deleted: string[] = [];
      const missing: string[] = [];
      for (const key of keys) {
        const isThere = (await client.artifacts.head(key)) !== null;
        if (isThere) await client.artifacts.delete(key);
        (isThere ? deleted : missing).push(key);
        if (isThere && !options.json) context.stdout.write(`deleted ${key}\n`);
      }
      if (options.json) printJson(context, { deleted, missing });
      if (missing.length > 0) throw noArtifact(missing.join(", "));
      return undefined;
    }),
  );
}

const noArtifact = (key: string): CliError =>
  new CliError(`there is no artifact ${key}`, {
    hint: "`muster artifact list` shows what there is.",
    exitCode: exitCodes.misused,
  });
