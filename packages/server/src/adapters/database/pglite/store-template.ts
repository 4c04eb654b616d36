import { existsSync } from "node:fs";

/** Makes sure that there are PostgreSQL files to open. */
export async function prepareFiles(folder: string, onProgress: (sentence: string) => void): Promise<void> {
  onProgress(existsSync(folder) ? "opening the store…" : "creating the store…");
}
export async function readTemplate(): Promise<Uint8Array | undefined> {
  return undefined;
}
