import { createReadStream, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { type ConnectOptions, connectOrOpen, withConnection } from "../connect/connect.ts";
import { act, defineCommand, withJson, withServer } from "../define-command.ts";
import { printJson } from "../print-json.ts";
import { formatBytes } from "../render/format-bytes.ts";
import { showTransfer } from "../transfer-progress.ts";

type Options = ConnectOptions & { json?: boolean; type?: string };

/** What is to be stored: how large it is, where that is known, and its content, from the start each time. */
interface Source {
  bytes?: number;
  content: AsyncIterable<Uint8Array> | (() => AsyncIterable<Uint8Array>);
}

export function addArtifactPutCommand(artifact: Command, context: CliContext): void {
  const command = defineCommand(artifact, "put <file> [key]", {
    summary: "store a file under a key",
    description:
      "Stores a file under a key, by default the file's name, and replaces what was there once all of it has arrived. " +
      "The content is checked against its SHA-256. A file of - is standard input, and needs a key.",
    examples: [
      ["muster artifact put page.html reports/page.html --type text/html", "under a key of one's own"],
      ["tar c src | muster artifact put - sources.tar", "from standard input"],
    ],
  });
  withServer(withJson(command)).option(
    "--type <media type>",
    "what it is called (default: application/octet-stream)",
  );
  act<Options>(command, context, async ([file = "", wanted], options) => {
    const key = wanted ?? (file === "-" ? undefined : basename(file));
    if (key === undefined) throw new CliError("standard input has no name, so name a key behind the -");
    const source = sourceOf(context, file);
    return withConnection(connectOrOpen(context, options), async (client) => {
      const progress = showTransfer(context, key, source.bytes);
      const stored = await client.artifacts
        .put(key, source.content, {
          onProgress: progress.at,
          ...(options.type !== undefined && { contentType: options.type }),
        })
        .finally(progress.end);
      if (options.json) printJson(context, stored);
      else
        context.stdout.write(
          `stored ${stored.key}: ${formatBytes(stored.bytes)}, SHA-256 ${stored.sha256}\n`,
        );
      return undefined;
    });
  });
}

function sourceOf(context: CliContext, file: string): Source {
  if (file === "-") return { content: context.stdin() };
  const path = resolve(context.cwd, file);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new CliError(`there is no file ${file}`);
  if (stats.isDirectory()) {
    throw new CliError(`${file} is a folder`, { hint: `Pack it: tar c ${file} | muster artifact put - KEY` });
  }
  const content = async function* () {
    try {
      yield* createReadStream(path);
    } catch (cause) {
      throw new CliError(`cannot read ${file}: ${(cause as Error).message}`, { cause });
    }
  };
  return { bytes: stats.size, content };
}
