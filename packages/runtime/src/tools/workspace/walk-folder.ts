import type { Dirent } from "node:fs";
import { opendir } from "node:fs/promises";
import { ToolError } from "../tool-error.ts";
import { descend, type FolderHandle, openFile, openFolder, readBytes } from "./folder-handle.ts";

/** A regular file that a walk came by. */
export interface WalkEntry {
  /** Relative to the workspace, with `/`. */
  path: string;
  /** When it was changed last, in milliseconds. */
  changedAt(): Promise<number>;
  /** Its bytes; null where it has more than `mostBytes` or can't be read. Only until the walk goes on. */
  read(mostBytes: number): Promise<Buffer | null>;
}

export interface WalkOptions {
  signal: AbortSignal;
  /** Folders that are not entered, by name. */
  skipFolders: ReadonlySet<string>;
  /** Told once where a bound ended the walk early. */
  onBound?(bound: string): void;
}

/** Bounds of one walk. */
const walkBounds = { depth: 64, entries: 200_000 } as const;

interface Walk extends WalkOptions {
  entriesLeft: number;
}

/**
 * The regular files below a folder in the order of their paths, or the file itself where the path names one. Goes through
 * open folders and no link. What can't be read is passed over.
 */
export async function* walkFolder(
  root: string,
  path: string,
  options: WalkOptions,
): AsyncGenerator<WalkEntry, void, undefined> {
  const names = path.split("/").filter((part) => part !== "");
  const last = names.pop();
  const parent = await descend(root, names).catch(() => {
    throw new ToolError(`${path} does not exist.`);
  });
  try {
    const folder = last === undefined ? parent : await openFolder(parent.at(last)).catch(() => null);
    if (folder === null) {
      const file = await openFile(parent, last!).catch(() => {
        throw new ToolError(`${path} does not exist.`);
      });
      await file.close();
      yield entryOf(parent, last!, path);
      return;
    }
    try {
      yield* visit(folder, path, 1, { ...options, entriesLeft: walkBounds.entries });
    } finally {
      if (folder !== parent) await folder.close();
    }
  } finally {
    await parent.close();
  }
}

async function* visit(
  folder: FolderHandle,
  path: string,
  depth: number,
  walk: Walk,
): AsyncGenerator<WalkEntry, void, undefined> {
  for (const entry of await entriesOf(folder, walk)) {
    walk.signal.throwIfAborted();
    const below = path === "" ? entry.name : `${path}/${entry.name}`;
    if (entry.isFile()) yield entryOf(folder, entry.name, below);
    else if (entry.isDirectory() && !walk.skipFolders.has(entry.name)) {
      if (depth >= walkBounds.depth) {
        walk.onBound?.(`deeper than ${walkBounds.depth} folders`);
        continue;
      }
      const next = await openFolder(folder.at(entry.name)).catch(() => null);
      if (next === null) continue;
      try {
        yield* visit(next, below, depth + 1, walk);
      } finally {
        await next.close();
      }
    }
  }
}

async function entriesOf(folder: FolderHandle, walk: Walk): Promise<Dirent[]> {
  const entries: Dirent[] = [];
  try {
    for await (const entry of await opendir(folder.at("."))) {
      if (walk.entriesLeft-- <= 0) {
        walk.onBound?.(`more than ${walkBounds.entries} files and folders`);
        break;
      }
      entries.push(entry);
    }
  } catch {
    return entries;
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

const entryOf = (folder: FolderHandle, name: string, path: string): WalkEntry => ({
  path,
  changedAt: async () => {
    const file = await openFile(folder, name).catch(() => null);
    if (file === null) return 0;
    try {
      return (await file.stat()).mtimeMs;
    } finally {
      await file.close();
    }
  },
  read: async (mostBytes) => {
    const file = await openFile(folder, name).catch(() => null);
    if (file === null) return null;
    try {
      const { bytes, hasMore } = await readBytes(file, mostBytes);
      return hasMore ? null : bytes;
    } catch {
      return null;
    } finally {
      await file.close();
    }
  },
});
