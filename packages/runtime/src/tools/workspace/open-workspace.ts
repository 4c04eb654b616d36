import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { lstat, open, realpath, rename, unlink } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, parse } from "node:path";
import { ToolError } from "../tool-error.ts";
import { descend, type FolderHandle, openFile, readBytes } from "./folder-handle.ts";
import { type ResolvedPath, resolvePath } from "./resolve-path.ts";
import { type WalkEntry, type WalkOptions, walkFolder } from "./walk-folder.ts";

/**
 * A folder, and nothing but what is in it. Paths come from a model: they may hold `..`, be absolute, or lead through
 * links that a repository or a tool put there, also while they are being looked at. So a path is first followed to where
 * it really leads, which must be inside; then it is opened from the workspace downwards, one name at a time and through no
 * link. Only regular files are read and written. Everything that goes wrong is a `ToolError`.
 */
export interface Workspace {
  /** Absolute, without links. */
  readonly root: string;
  resolve(path: string): Promise<ResolvedPath>;
  /** The file's bytes; `ToolError` where it has more than `mostBytes`. */
  read(path: string, mostBytes: number): Promise<Buffer>;
  /** Replaces the file in one step, or makes it and the folders that it needs; nobody ever sees half of it. */
  write(path: string, content: string): Promise<{ isNew: boolean }>;
  /** What is below a folder, in the order of names; see `walkFolder`. For a file: that file. */
  walk(path: string, options: WalkOptions): AsyncGenerator<WalkEntry, void, undefined>;
}

/** Folders that hold more than one project ever does: to confine an agent to them would confine nothing. */
const tooWide = new Set(["/", "/proc", "/sys", "/dev", "/etc", "/usr", "/home", "/root", "/var", "/tmp"]);

/** Opens the folder at an absolute path. `ToolError` where there is none, or where it is the whole machine. */
export async function openWorkspace(path: string): Promise<Workspace> {
  if (!isAbsolute(path)) throw new ToolError(`The workspace is an absolute path, not ${path}.`);
  const root = await realpath(path).catch(() => {
    throw new ToolError(`The workspace ${path} does not exist.`);
  });
  if (
    tooWide.has(root) ||
    root === homedir() ||
    /^\/(?:proc|sys|dev)\//.test(root) ||
    root === parse(root).root
  ) {
    throw new ToolError(`${root} can't be a workspace: name a project's own folder.`);
  }
  const resolve = (asked: string): Promise<ResolvedPath> => resolvePath(path, root, asked);
  return {
    root,
    resolve,
    read: async (asked, mostBytes) => withFolder(root, await resolve(asked), false, readIn(asked, mostBytes)),
    write: async (asked, content) => withFolder(root, await resolve(asked), true, writeIn(content)),
    walk: async function* (asked, options) {
      yield* walkFolder(root, (await resolve(asked)).real, options);
    },
  };
}

type WithinFolder<T> = (folder: FolderHandle, name: string) => Promise<T>;

async function withFolder<T>(
  root: string,
  { given, real }: ResolvedPath,
  create: boolean,
  work: WithinFolder<T>,
): Promise<T> {
  const names = real.split("/").filter((part) => part !== "");
  const name = names.pop();
  if (name === undefined) throw new ToolError(`${given || "."} is a folder.`);
  try {
    const folder = await descend(root, names, create);
    try {
      return await work(folder, name);
    } finally {
      await folder.close();
    }
  } catch (error) {
    throw asToolError(error, given);
  }
}

const readIn =
  (asked: string, mostBytes: number): WithinFolder<Buffer> =>
  async (folder, name) => {
    const file = await openFile(folder, name);
    try {
      const { bytes, hasMore } = await readBytes(file, mostBytes);
      if (!hasMore) return bytes;
      throw new ToolError(`${asked} is larger than ${Math.floor(mostBytes / 1024)} KiB.`);
    } finally {
      await file.close();
    }
  };

const newFileMode = 0o666;

const writeIn =
  (content: string): WithinFolder<{ isNew: boolean }> =>
  async (folder, name) => {
    const before = await statsOf(folder.at(name));
    if (before !== null && !before.isFile()) throw new ToolError(`${name} is not a regular file.`);
    const temporary = folder.at(`.${name.slice(0, 100)}.${randomBytes(6).toString("hex")}.tmp`);
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const file = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, newFileMode);
    try {
      await file.writeFile(content);
      if (before !== null) await file.chmod(before.mode & 0o777);
      await file.datasync();
      await file.close();
      await rename(temporary, folder.at(name));
    } catch (error) {
      await file.close().catch(() => undefined);
      await unlink(temporary).catch(() => undefined);
      throw error;
    }
    return { isNew: before === null };
  };

async function statsOf(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

const causes: Record<string, string> = {
  ENOENT: "does not exist",
  EACCES: "may not be accessed",
  EPERM: "may not be accessed",
  ENOSPC: "could not be written: the disk is full",
  EROFS: "could not be written: the file system is read-only",
  ENAMETOOLONG: "has a name that is too long",
  EISDIR: "is a folder",
};

function asToolError(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof ToolError || code === undefined) return error;
  return new ToolError(`${path} ${causes[code] ?? `could not be used (${code})`}.`, { cause: error });
}
