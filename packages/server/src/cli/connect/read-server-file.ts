import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ServerFile } from "../../server-file.ts";
import type { CliContext } from "../cli-context.ts";

export const defaultDataDir = ".muster";

export function dataDirOf(context: CliContext, dataDir: string | undefined): string {
  return resolve(context.cwd, dataDir ?? defaultDataDir);
}

/**
 * The server that runs on a data folder, or undefined. Only a live process on this machine counts: the
 * folder may have come with somebody's repository, and must not lead the inputs or a key elsewhere.
 */
export function readServerFile(context: CliContext, dataDir: string | undefined): ServerFile | undefined {
  const file = parse(read(join(dataDirOf(context, dataDir), "server.json")));
  if (!file || !context.isProcessAlive(file.pid)) return undefined;
  if (!URL.canParse(file.url) || !context.isThisMachine(new URL(file.url).hostname)) return undefined;
  return file;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function parse(text: string): ServerFile | undefined {
  try {
    const { url, pid, key } = JSON.parse(text) as Partial<ServerFile>;
    const whole =
      typeof url === "string" &&
      typeof key === "string" &&
      typeof pid === "number" &&
      Number.isInteger(pid) &&
      pid > 0;
    return whole ? { url, pid, key } : undefined;
  } catch {
    return undefined;
  }
}
