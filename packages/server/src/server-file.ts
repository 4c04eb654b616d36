import { readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** How the commands on this machine find the server that has a data folder open. */
export interface ServerFile {
  url: string;
  pid: number;
  /** An admin key that this process alone knows. */
  key: string;
}

const pathOf = (dataDir: string): string => join(dataDir, "server.json");

/** Readable by its owner only: whoever has the key is admin. */
export async function writeServerFile(dataDir: string, file: ServerFile): Promise<void> {
  await rm(pathOf(dataDir), { force: true });
  await writeFile(pathOf(dataDir), `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, flag: "wx" });
}

export async function removeServerFile(dataDir: string): Promise<void> {
  await rm(pathOf(dataDir), { force: true });
}

/** The live server of a data folder, or null. A file that a dead process left behind counts for nothing. */
export function readServerFile(dataDir: string): ServerFile | null {
  try {
    const file = JSON.parse(readFileSync(pathOf(dataDir), "utf8")) as Partial<ServerFile>;
    if (typeof file.url !== "string" || typeof file.key !== "string" || typeof file.pid !== "number")
      return null;
    process.kill(file.pid, 0);
    return { url: file.url, key: file.key, pid: file.pid };
  } catch {
    return null;
  }
}
