import { constants, type Dirent } from "node:fs";
import { lstat, open, readdir, realpath } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { claudeBounds } from "./bounds.ts";
import type { RefusalCode } from "./read-agent.ts";

/** A file that was found, with its text or with why it has none. */
export interface FoundFile {
  /** From the root, with `/`. */
  path: string;
  text?: string;
  /** Some of its bytes are no UTF-8 and became U+FFFD. */
  isReplaced?: boolean;
  refusal?: { code: RefusalCode; why: string };
}

/** What is left of a folder's bounds. */
export interface Room {
  bytes: number;
}

export const createRoom = (): Room => ({ bytes: claudeBounds.folderBytes });

/**
 * Every file below `folder` that `wanted` takes, in the order of their paths, so that two readings of the same folder
 * agree. A link is read where its file lies in the root, and links to folders are never entered: a repository must not
 * make Muster read what lies outside of it.
 */
export async function readFiles(
  root: string,
  folder: string,
  wanted: (path: string) => boolean,
  room: Room,
): Promise<FoundFile[]> {
  const real = await realpath(root);
  const found: FoundFile[] = [];
  const refuse = (path: string, code: RefusalCode, why: string) =>
    found.push({ path, refusal: { code, why } });
  const way = await findLinkOut(real, folder);
  if (way === "missing") return [];
  if (way === "outside") {
    refuse(folder, "outside", "it is a link that leads out of the folder, which is not followed");
    return found;
  }
  const open: { path: string; depth: number }[] = [{ path: folder, depth: 0 }];
  let entries = 0;
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const listed = await list(join(real, at.path));
    if (listed === undefined) {
      refuse(at.path, "unreadable", "the folder can't be read");
      continue;
    }
    for (const entry of listed) {
      const path = `${at.path}/${entry.name}`;
      if (++entries > claudeBounds.entries) {
        refuse(
          folder,
          "too_many",
          `it holds more than ${claudeBounds.entries} entries; the rest is not looked at`,
        );
        return sorted(found);
      }
      if (entry.isDirectory()) {
        if (at.depth < claudeBounds.depth) open.push({ path, depth: at.depth + 1 });
        else refuse(path, "too_many", `it lies more than ${claudeBounds.depth} folders deep`);
      } else if (wanted(path)) {
        if (found.length < claudeBounds.filesPerKind) found.push(await readOne(real, path, room));
        else {
          refuse(
            folder,
            "too_many",
            `it holds more than ${claudeBounds.filesPerKind} files; the rest is not loaded`,
          );
          return sorted(found);
        }
      }
    }
  }
  return sorted(found);
}

const sorted = (files: FoundFile[]): FoundFile[] =>
  files.sort((one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : 0));

async function list(folder: string): Promise<Dirent[] | undefined> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch {
    return undefined;
  }
}

/** Whether the way from the root to a folder or file goes over a link that leaves the root. */
async function findLinkOut(root: string, path: string): Promise<"inside" | "outside" | "missing"> {
  try {
    return isInside(root, await realpath(join(root, path))) ? "inside" : "outside";
  } catch {
    // A link to nothing is still something that somebody put there.
    return (await lstat(join(root, path)).catch(() => undefined)) === undefined ? "missing" : "outside";
  }
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !/^(?:[A-Za-z]:|[\\/])/.test(way);
}

/** One file within the root. It may be gone, a pipe, or too large; nothing of that is an error of the reader. */
export async function readOne(root: string, path: string, room: Room): Promise<FoundFile> {
  const refuse = (code: RefusalCode, why: string): FoundFile => ({ path, refusal: { code, why } });
  const way = await findLinkOut(root, path);
  if (way === "missing") return refuse("unreadable", "it went away");
  if (way === "outside")
    return refuse("outside", "it is a link that leads out of the folder, which is not followed");
  try {
    const bytes = await readBytes(
      await realpath(join(root, path)),
      Math.min(claudeBounds.fileBytes, room.bytes),
    );
    if (typeof bytes === "string")
      return refuse(bytes === "no file" ? "not_text" : "too_large", reasons[bytes]);
    room.bytes -= bytes.length;
    if (bytes.includes(0)) return refuse("not_text", "it holds zero bytes, as no text does");
    return { path, ...decode(bytes) };
  } catch (error) {
    return refuse("unreadable", `it can't be read: ${(error as NodeJS.ErrnoException).code ?? "unknown"}`);
  }
}

function decode(bytes: Uint8Array): { text: string; isReplaced: boolean } {
  try {
    return {
      text: new TextDecoder("utf-8", { ignoreBOM: true, fatal: true }).decode(bytes),
      isReplaced: false,
    };
  } catch {
    return { text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes), isReplaced: true };
  }
}

const reasons = {
  "no file": "it is no file",
  "too large": `it has more than ${claudeBounds.fileBytes} bytes, or all files together more than ${claudeBounds.folderBytes}`,
} as const;

async function readBytes(path: string, most: number): Promise<Uint8Array | keyof typeof reasons> {
  // A pipe would keep us waiting for its other end.
  const handle = await open(
    path,
    constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0),
  );
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) return "no file";
    if (stat.size > most) return "too large";
    const bytes = new Uint8Array(stat.size);
    // What somebody appends meanwhile is not read: the bound holds for what is in memory.
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
