import { existsSync } from "node:fs";
import { open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { MusterError } from "@muster/sdk/protocol";

/** Lies in a data folder while a backup is restored into it. */
const nameOf = (dataDir: string): string => join(dataDir, "restore-unfinished");

/** Says that a folder holds a part of a backup at most; the function that is answered says that it holds all. */
export async function markUnfinished(dataDir: string, id: string): Promise<() => Promise<void>> {
  const file = await open(nameOf(dataDir), "w");
  try {
    await file.writeFile(`${id}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  return () => rm(nameOf(dataDir), { force: true });
}

/** Refuses a folder into which a backup was not restored to its end: it would be taken for a store that is empty. */
export async function refuseUnfinished(dataDir: string): Promise<void> {
  if (!existsSync(nameOf(dataDir))) return;
  const id = (await readFile(nameOf(dataDir), "utf8")).trim();
  throw new MusterError("conflict", `Backup ${id} was not restored into ${dataDir} to its end.`, {
    hint: `Restore it again into the same folder: muster backup restore ${id} --from … --to ${dataDir}`,
  });
}
