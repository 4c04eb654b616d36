import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { ToolError } from "../tool-error.ts";

/**
 * An open folder. On Linux a name is looked up in the very folder that was opened, wherever its path leads by then: a
 * descriptor's name in `/proc` stands for the folder itself. Elsewhere Node has no such thing, and the path is used; each
 * step still refuses links, but one who swaps folders between two steps could win.
 */
export interface FolderHandle {
  /** A path by which the name in this folder can be opened. */
  at(name: string): string;
  close(): Promise<void>;
  readonly descriptor: FileHandle;
}

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const isLinux = process.platform === "linux";

export async function openFolder(path: string): Promise<FolderHandle> {
  const descriptor = await open(path, folderFlags);
  const base = isLinux ? `/proc/self/fd/${descriptor.fd}` : path;
  return { descriptor, at: (name) => join(base, name), close: () => descriptor.close() };
}

/**
 * Goes from a folder down to another, one name at a time and through no link: the names are those of a path whose links
 * were followed, so a link that is met was put there since. `create` makes folders that are missing. Rejects with
 * `ENOENT` where there is none.
 */
export async function descend(root: string, names: readonly string[], create = false): Promise<FolderHandle> {
  let folder = await openFolder(root);
  for (const name of names) {
    try {
      if (create) await makeFolder(folder.at(name));
      const next = await openFolder(folder.at(name));
      await folder.close();
      folder = next;
    } catch (error) {
      await folder.close();
      throw refusalOf(error, name);
    }
  }
  return folder;
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** Opens a file for reading: not through a link, and without waiting at a pipe. Regular files only. */
export async function openFile(folder: FolderHandle, name: string): Promise<FileHandle> {
  const path = folder.at(name);
  // Opening some devices does something; one that lies there is refused before.
  const look = await lstat(path);
  if (!look.isFile()) throw notAFile(name);
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY).catch((error: unknown) => {
    throw refusalOf(error, name);
  });
  const stats = await file.stat();
  if (stats.isFile()) return file;
  await file.close();
  throw notAFile(name);
}

/** The first `mostBytes` of a file, and whether there are more. */
export async function readBytes(
  file: FileHandle,
  mostBytes: number,
): Promise<{ bytes: Buffer; hasMore: boolean }> {
  const { size } = await file.stat();
  const buffer = Buffer.allocUnsafe(Math.min(mostBytes, size) + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
    if (bytesRead === 0) return { bytes: buffer.subarray(0, length), hasMore: false };
    length += bytesRead;
  }
  return { bytes: buffer.subarray(0, length - 1), hasMore: true };
}

const notAFile = (name: string): ToolError =>
  new ToolError(`${name} is not a regular file: folders, links, pipes and devices are not read or written.`);

function refusalOf(error: unknown, name: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ELOOP")
    return new ToolError(`${name} became a symbolic link meanwhile, which is not followed.`);
  if (code === "ENOTDIR") return new ToolError(`${name} is not a folder.`);
  return error;
}
