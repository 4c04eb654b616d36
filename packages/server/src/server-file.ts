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
