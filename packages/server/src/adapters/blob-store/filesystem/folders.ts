import { mkdir, open, realpath, rename, rmdir } from "node:fs/promises";
import { dirname, relative, sep } from "node:path";
import { MusterError } from "@muster/sdk/protocol";
import { codeOf, ifThere, onDisk } from "./disk-error.ts";

/** A folder can be removed as empty between its making and the move into it; this often it is made again. */
const mostMoves = 20;

/** Makes what was done to the names in a folder survive a loss of power. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await ifThere(open(folder, "r"));
  try {
    await handle?.sync();
  } finally {
    await handle?.close();
  }
}

/** True where the folder is there and no link stands on the way from the root to it. */
export async function isOurs(folder: string): Promise<boolean> {
  return (await ifThere(realpath(folder))) === folder;
}

/** Moves a file into its place, durably, and makes the folders on the way. */
export async function moveIntoPlace(root: string, from: string, to: string): Promise<void> {
  const folder = dirname(to);
  for (let moves = 1; ; moves++) {
    await makeFolders(root, folder);
    try {
      await rename(from, to);
      break;
    } catch (error) {
      if (codeOf(error) !== "ENOENT" || moves === mostMoves) {
        await onDisk(root, Promise.reject(error));
      }
    }
  }
  await onDisk(root, syncFolder(folder));
}

async function makeFolders(root: string, folder: string): Promise<void> {
  if (await isOurs(folder)) return;
  let path = root;
  for (const name of relative(root, folder).split(sep)) {
    const parent = path;
    path = `${parent}${sep}${name}`;
    // Where the parent vanished meanwhile, the move fails and all is made again.
    const made = await onDisk(root, ifThere(mkdir(path, { mode: 0o700 }).then(() => true, existing)));
    if (made) await onDisk(root, syncFolder(parent));
  }
  const real = await ifThere(realpath(folder));
  if (real !== undefined && real !== folder) throw linked(folder, real);
}

function existing(error: unknown): boolean {
  if (codeOf(error) !== "EEXIST") throw error;
  return false;
}

/** Removes folders that have become empty, from here upwards. */
export async function pruneFolders(root: string, folder: string): Promise<void> {
  for (let path = folder; path !== root; path = dirname(path)) {
    const removed = await rmdir(path).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}

const linked = (folder: string, real: string): MusterError =>
  new MusterError("unavailable", `The folder of blobs has a link in it: ${folder} leads to ${real}.`, {
    hint: "Remove the link. Only the folder of blobs as a whole may be one.",
  });
