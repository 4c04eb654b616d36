import { constants } from "node:fs";
import { type FileHandle, open, realpath, stat } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { MusterError } from "@muster/sdk";
import { sourceEnding } from "./source-language.ts";

/** Bytes of the largest source file that an agent reads. */
export const maxSourceBytes = 512 * 1024;

/** A file's text, or why there is none although the request was in order. */
export type SourceRead = { text: string; unreadable?: undefined } | { text?: undefined; unreadable: string };

/**
 * Reads one source file below `root` as UTF-8 without its byte order mark. A path that leaves the root, in
 * itself or through a symbolic link, is refused with `forbidden`; a file that is gone, too large, not
 * regular or not text is an answer, since any file of a repository that people work on may be so.
 */
export const readSource = async (root: string, file: string): Promise<SourceRead> => {
  const realRoot = await realFolder(root);
  const path = resolve(realRoot, file);
  if (isAbsolute(file) || file.includes("\0") || !isInside(realRoot, path)) throw outside(file);
  if (sourceEnding(file) === undefined) {
    throw new MusterError("invalid_input", `${JSON.stringify(file)} is no JavaScript or TypeScript source.`, {
      hint: "Files end in .js, .mjs, .cjs, .jsx, .ts, .mts, .cts or .tsx.",
    });
  }
  try {
    const real = await realpath(path);
    if (!isInside(realRoot, real)) throw outside(file);
    return await readText(real);
  } catch (error) {
    if (error instanceof MusterError) throw error;
    return { unreadable: reasonOf(error) };
  }
};

/** The absolute path of a folder with symbolic links resolved; `not_found` or `invalid_input` otherwise. */
export const realFolder = async (path: string): Promise<string> => {
  if (path.includes("\0")) throw new MusterError("invalid_input", "The path holds a NUL character.");
  const absolute = resolve(path);
  const real = await realpath(absolute).catch((error: unknown) => {
    throw new MusterError("not_found", `There is no folder ${absolute}: ${reasonOf(error)}.`, {
      hint: "Give the path of a folder; a relative one starts where the agent runs.",
    });
  });
  if (!(await stat(real)).isDirectory()) {
    throw new MusterError("invalid_input", `${absolute} is not a folder.`, {
      hint: "Give the folder that holds the file.",
    });
  }
  return real;
};

export const isInside = (root: string, path: string): boolean => {
  const way = relative(root, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
};

const readText = async (path: string): Promise<SourceRead> => {
  // Neither a link that appeared since realpath nor a pipe that nobody writes to may hold us up.
  const handle = await open(
    path,
    constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
  );
  try {
    if (!(await handle.stat()).isFile()) return { unreadable: "it is not a regular file" };
    const bytes = await readUpTo(handle, maxSourceBytes + 1);
    if (bytes.length > maxSourceBytes)
      return { unreadable: `it is larger than ${maxSourceBytes / 1024} KiB` };
    if (bytes.includes(0)) return { unreadable: "it is binary, not text" };
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } finally {
    await handle.close();
  }
};

const readUpTo = async (handle: FileHandle, limit: number): Promise<Buffer> => {
  const buffer = Buffer.alloc(limit);
  let length = 0;
  while (length < limit) {
    const { bytesRead } = await handle.read(buffer, length, limit - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
};

const outside = (file: string): MusterError =>
  new MusterError("forbidden", `${JSON.stringify(file)} lies outside the root.`, {
    hint: "Give a path below the root; links out of it are not followed.",
  });

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  ENOTDIR: "it does not exist",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ELOOP: "its symbolic links lead in a circle",
  ENAMETOOLONG: "its name is too long",
  ENXIO: "it is not a regular file",
  ERR_ENCODING_INVALID_ENCODED_DATA: "it is not UTF-8 text",
};

/** An error of the file system in a few words. */
export const reasonOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | null)?.code;
  return (typeof code === "string" && (reasons[code] ?? code)) || String(error);
};
