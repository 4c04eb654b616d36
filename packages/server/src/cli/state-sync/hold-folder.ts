import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CliError, exitCodes } from "../cli-error.ts";
import { privateFolder } from "./folder.ts";

/** Lets one process at a time sync a folder; one that died is relieved. Answers how to let go. */
export function holdFolder(root: string, isProcessAlive: (pid: number) => boolean): () => void {
  const file = join(root, privateFolder, "pid");
  mkdirSync(join(root, privateFolder), { recursive: true });
  for (let tries = 0; ; tries++) {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST" || tries > 1) throw error;
    }
    const holder = Number(readFileSync(file, "utf8"));
    if (holder !== process.pid && Number.isInteger(holder) && holder > 0 && isProcessAlive(holder)) {
      throw new CliError(`${root} is being synced by process ${holder}`, {
        hint: `End that process. If it is none of Muster's, delete ${file}.`,
        exitCode: exitCodes.failed,
      });
    }
    rmSync(file, { force: true });
  }
}
