import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { limits } from "@muster/sdk/protocol";
import type { CliContext } from "./cli-context.ts";
import { CliError } from "./cli-error.ts";

/** JSON from a file, or from standard input where the file is `-`. */
export async function readJsonText(context: CliContext, file: string): Promise<unknown> {
  if (file === "-") return parseJson(await context.readStdin(limits.bodyBytes), "standard input");
  return parseJson(readTextFile(context, file), file);
}

/** JSON from a person: what is wrong with it is said with the place. */
export function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (cause) {
    throw new CliError(`${source} is not JSON: ${(cause as Error).message}`, { cause });
  }
}

/** Reads a text file within the size of a request, or says what is wrong with it. */
export function readTextFile(context: CliContext, file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(resolve(context.cwd, file));
  } catch (cause) {
    throw new CliError(`cannot read ${file}: ${reasonOf(cause as NodeJS.ErrnoException)}`, { cause });
  }
  if (bytes.length > limits.bodyBytes) {
    throw new CliError(`${file} holds ${bytes.length} bytes; ${limits.bodyBytes} are allowed`);
  }
  return bytes.toString("utf8");
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "there is no such file";
  if (error.code === "EISDIR") return "it is a folder";
  if (error.code === "EACCES") return "it may not be read";
  return error.message;
}
