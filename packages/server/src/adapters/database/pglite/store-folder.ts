import { access, constants, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MusterError } from "@muster/sdk/protocol";
import type { EngineOptions } from "./engine-options.ts";
import { takeFolderLock } from "./folder-lock.ts";
import { forgetSnapshot } from "./snapshot-folder.ts";
import { startEngineInWorker } from "./start-engine.ts";
import { prepareStore, readTemplate } from "./store-template.ts";

/** A folder that is this process's alone until it is released. */
export interface StoreFolder {
  /** What the engine opens. */
  engine: EngineOptions;
  release(): Promise<void>;
}

/**
 * Makes the data folder ready: `db/` with PostgreSQL's files, `lock` for as long as a process has it, and a
 * `.gitignore`, since it often stands in a repository. `onLost` is told when the lock is found to be taken away; `template`
 * is the path of another template than the built one.
 */
export async function openStoreFolder(
  dataDir: string | null,
  onProgress: (sentence: string) => void,
  onLost: (error: MusterError) => void,
  template?: string,
): Promise<StoreFolder> {
  if (dataDir === null) {
    const archive = await readTemplate(template);
    if (!archive)
      onProgress("creating a database in memory, which takes a few seconds without its template…");
    return { engine: { folder: null, archive }, release: async () => {} };
  }
  await makeWritable(dataDir);
  const release = await takeFolderLock(dataDir, { onProgress, onLost });
  try {
    const folder = join(dataDir, "db");
    await forgetSnapshot(dataDir);
    const initialize = async (unfinished: string) => {
      const engine = await startEngineInWorker({ folder: unfinished }, { reply() {}, broken() {} });
      await engine.close();
    };
    await prepareStore(folder, { onProgress, initialize, ...(template === undefined ? {} : { template }) });
    return { engine: { folder }, release };
  } catch (error) {
    await release();
    throw unusable(dataDir, error);
  }
}

async function makeWritable(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await access(dataDir, constants.W_OK);
    await writeFile(join(dataDir, ".gitignore"), "*\n", { flag: "wx" }).catch((error) => {
      if (error.code !== "EEXIST") throw error;
    });
  } catch (error) {
    throw unusable(dataDir, error);
  }
}

function unusable(dataDir: string, cause: unknown): MusterError {
  if (cause instanceof MusterError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MusterError("unavailable", `The data folder ${dataDir} can't be used: ${reason}.`, {
    hint: "Give this user write access to it and room on its disk, or choose another folder with --data-dir.",
    cause,
  });
}
