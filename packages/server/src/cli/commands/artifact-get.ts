import { existsSync, statSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import type { ArtifactDownload } from "@muster/sdk";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError, exitCodes } from "../cli-error.ts";
import { type ConnectOptions, connectOrOpen, withConnection } from "../connect/connect.ts";
import { act, defineCommand, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { formatBytes } from "../render/format-bytes.ts";
import { showTransfer } from "../transfer-progress.ts";

type Options = ConnectOptions & { json?: boolean; force?: boolean };

export function addArtifactGetCommand(artifact: Command, context: CliContext): void {
  const command = defineCommand(artifact, "get <key> [file]", {
    summary: "fetch an artifact into a file",
    description:
      "Fetches an artifact into a file or folder, by default a file here with the last part of its key as name. The file " +
      "appears when all of it has arrived and its SHA-256 is right. A file of - is standard output.",
    examples: [
      ["muster artifact get reports/page.html", "into page.html"],
      ["muster artifact get sources.tar - | tar x", "to standard output"],
    ],
  });
  withServer(withJson(command)).option("--force", "replace the file where there is one");
  act<Options>(command, context, async ([key = "", wanted], options) => {
    const path = wanted === "-" ? undefined : pathFor(context, key, wanted);
    if (path === undefined && options.json)
      throw new CliError("standard output holds the file or JSON, not both");
    if (path !== undefined && existsSync(path) && !options.force) {
      throw new CliError(`there is a file ${path} already`, { hint: "--force replaces it." });
    }
    return withConnection(connectOrOpen(context, options), async (client) => {
      const download = await client.artifacts.get(key);
      if (path === undefined) await sendOut(context, download);
      else await save(context, download, path);
      const { artifact: fetched } = download;
      if (options.json) printJson(context, { ...fetched, file: path });
      else
        context.stderr.write(`fetched ${key}: ${formatBytes(fetched.bytes)}${path ? ` into ${path}` : ""}\n`);
      return undefined;
    });
  });
}

function pathFor(context: CliContext, key: string, wanted: string | undefined): string {
  const name = basename(key);
  if (wanted === undefined) return resolve(context.cwd, name);
  const path = resolve(context.cwd, wanted);
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? join(path, name) : path;
}

/** Beside its place and then moved there: whoever finds the file has all of it. */
async function save(context: CliContext, download: ArtifactDownload, path: string): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  const progress = showTransfer(context, download.artifact.key, download.artifact.bytes);
  try {
    // Open before anything can fail, so that nothing is made after it was cleared away.
    const file = await open(partial, "wx", 0o666);
    await pipeline(counted(download, progress.at), file.createWriteStream());
    await rename(partial, path);
  } catch (cause) {
    await download.cancel();
    if ((cause as Partial<NodeJS.ErrnoException>).syscall === undefined) throw cause;
    const message = `cannot write ${path}: ${(cause as Error).message}`;
    throw new CliError(message, { exitCode: exitCodes.failed, cause });
  } finally {
    progress.end();
    await rm(partial, { force: true });
  }
}

async function* counted(
  content: AsyncIterable<Uint8Array>,
  onProgress: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.byteLength;
    onProgress(bytes);
    yield chunk;
  }
}

async function sendOut({ stdout, writeBytes }: CliContext, download: ArtifactDownload): Promise<void> {
  for await (const chunk of download) {
    if (stdout.closed.aborted) break;
    await writeBytes(chunk);
  }
}
