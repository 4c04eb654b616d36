import { constants } from "node:fs";
import { copyFile, lstat, mkdir, readdir, rm, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { MusterError } from "@muster/sdk/protocol";

/** What a file was when it was copied. */
interface Seen {
  bytes: number;
  changedNs: bigint;
  /** It had been at rest for long enough that another change would show in its time. */
  atRest: boolean;
}

/** File systems tell times by ticks: a file that changed within this time may change again and look the same. */
const restNs = 2_000_000_000n;
const copiesAtOnce = 8;
/** Room on the disk that a copy must leave. */
const spareBytes = 64 * 1024 * 1024;

/** The folder of a store's copy: beside it, on the same disk. */
export const snapshotPath = (dataDir: string): string => join(dataDir, "snapshot");

/** Removes the copy, also one that a process left behind when it was killed. */
export const forgetSnapshot = (dataDir: string): Promise<void> =>
  rm(snapshotPath(dataDir), { recursive: true, force: true });

/**
 * Copies a folder whose files change meanwhile, in two rounds: the first while they do, the second, for which the
 * caller makes them stand still, only those that are not the same any more. Where the file system can, a copy shares
 * its blocks and takes neither time nor room.
 */
export function createFolderCopy(from: string, to: string) {
  const seen = new Map<string, Seen>();

  async function copy(name: string): Promise<void> {
    const before = await lookAt(join(from, name));
    if (before === null || isSame(before, seen.get(name))) return;
    await mkdir(dirname(join(to, name)), { recursive: true, mode: 0o700 });
    await copyFile(join(from, name), join(to, name), constants.COPYFILE_FICLONE).catch(ignoreMissing);
    seen.set(name, before);
  }

  return {
    /** Refuses to begin where the disk has no room for it. */
    async first(): Promise<void> {
      const { files, folders } = await walk(from);
      await refuseWithoutRoom(from, files);
      for (const folder of folders) await mkdir(join(to, folder), { recursive: true, mode: 0o700 });
      await each(files, copy);
    },
    /** Nothing may change until it resolves; then the copy is what the folder is now. */
    async second(): Promise<void> {
      const { files, folders } = await walk(from);
      for (const folder of folders) await mkdir(join(to, folder), { recursive: true, mode: 0o700 });
      await each(files, copy);
      const there = new Set(files);
      await each(
        [...seen.keys()].filter((name) => !there.has(name)),
        (name) => rm(join(to, name), { force: true }),
      );
    },
  };
}

async function lookAt(path: string): Promise<Seen | null> {
  const now = BigInt(Date.now()) * 1_000_000n;
  const found = await stat(path, { bigint: true }).catch(ignoreMissing);
  if (found === undefined) return null;
  return { bytes: Number(found.size), changedNs: found.mtimeNs, atRest: found.mtimeNs + restNs < now };
}

const isSame = (now: Seen, before: Seen | undefined): boolean =>
  before?.atRest === true && now.bytes === before.bytes && now.changedNs === before.changedNs;

/** Files and folders below a folder, by their paths inside of it. What vanishes meanwhile is not there. */
async function walk(root: string): Promise<{ files: string[]; folders: string[] }> {
  const files: string[] = [];
  const folders: string[] = [];
  const open = [""];
  for (let inside = open.pop(); inside !== undefined; inside = open.pop()) {
    const entries = (await readdir(join(root, inside), { withFileTypes: true }).catch(ignoreMissing)) ?? [];
    for (const entry of entries) {
      const name = inside === "" ? entry.name : `${inside}/${entry.name}`;
      if (!entry.isDirectory()) files.push(name);
      else open.push(name);
      if (entry.isDirectory()) folders.push(name);
    }
  }
  return { files, folders };
}

async function each(names: readonly string[], work: (name: string) => Promise<unknown>): Promise<void> {
  const iterator = names.values();
  const next = async () => {
    for (const name of iterator) await work(name);
  };
  await Promise.all(Array.from({ length: copiesAtOnce }, next));
}

async function refuseWithoutRoom(folder: string, files: readonly string[]): Promise<void> {
  let bytes = spareBytes;
  for (const name of files) bytes += (await lstat(join(folder, name)).catch(ignoreMissing))?.size ?? 0;
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes) return;
  throw new MusterError(
    "unavailable",
    `The disk has no room for a copy of the store: ${Math.ceil(bytes / 1024 ** 2)} MiB are needed for a while.`,
    { hint: "Free disk space, then try again. Nothing was changed." },
  );
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
