import { randomUUID } from "node:crypto";
import { link, lstat, mkdir, open, realpath, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { MusterError } from "@muster/sdk";
import { isInside, reasonOf } from "./read-source.ts";

/** The first line of every report. A file that begins with it is ours, and may be written anew. */
const reportMark = "<!-- muster report -->";

/**
 * Writes a report so that readers see the old file or the whole new one. A file that is already there is
 * replaced only when it is a report of ours; anything else, links too, is refused with `conflict`.
 */
export const writeReport = async (path: string, markdown: string): Promise<void> => {
  const isOurs = await isOurReport(path);
  const temporary = join(dirname(path), `.${basename(path).slice(0, 100)}.${randomUUID()}.tmp`);
  try {
    await writeSynced(temporary, `${reportMark}\n${markdown}`);
    // A link fails where a file has appeared meanwhile; a rename would replace it.
    if (isOurs) await rename(temporary, path);
    else await link(temporary, path).catch((error: unknown) => renameInstead(error, temporary, path));
  } catch (error) {
    throw error instanceof MusterError ? error : notWritten(path, error);
  } finally {
    await rm(temporary, { force: true });
  }
};

/** Where a report goes: the path asked for, which ends in .md, or a new one in `.muster/reports`. */
export const reportPath = async (
  cwd: string,
  to: string | undefined,
  defaultName: string,
): Promise<string> => {
  if (to !== undefined) {
    const path = resolve(cwd, to);
    if (to.includes("\0") || !/[^/\\]\.md$/i.test(to)) {
      throw new MusterError("invalid_input", `A report cannot be written to ${JSON.stringify(to)}.`, {
        hint: "Give the path of a file that ends in .md.",
      });
    }
    await makeFolder(dirname(path));
    return path;
  }
  const folder = join(cwd, ".muster", "reports");
  await makeFolder(folder);
  // The working folder may be a repository of strangers, in which .muster could lead anywhere.
  if (!isInside(await realpath(cwd), await realpath(folder))) {
    throw new MusterError("forbidden", `${folder} leads out of the working folder.`, {
      hint: "Remove the symbolic link, or say where the report shall go.",
    });
  }
  return join(folder, defaultName);
};

const makeFolder = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw notWritten(folder, error);
  });
};

const isOurReport = async (path: string): Promise<boolean> => {
  const stats = await lstat(path).catch((error: unknown) => {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw notWritten(path, error);
  });
  if (stats === undefined) return false;
  if (stats.isFile() && (await firstBytes(path, reportMark.length)) === reportMark) return true;
  throw alreadyThere(path);
};

const firstBytes = async (path: string, count: number): Promise<string> => {
  const handle = await open(path, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(count), 0, count, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
};

const writeSynced = async (path: string, text: string): Promise<void> => {
  const handle = await open(path, "wx");
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Some file systems know no hard links; there a rename has to do. */
const renameInstead = async (error: unknown, temporary: string, path: string): Promise<void> => {
  const code = (error as { code?: unknown }).code;
  if (code === "EEXIST") throw alreadyThere(path);
  if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EOPNOTSUPP" && code !== "ENOSYS") throw error;
  await rename(temporary, path);
};

const alreadyThere = (path: string): MusterError =>
  new MusterError("conflict", `${path} is already there and is no report of Muster.`, {
    hint: "Give another path, or move the file away; only reports are replaced.",
  });

const notWritten = (path: string, error: unknown): MusterError =>
  new MusterError("invalid_input", `${path} could not be written: ${reasonOf(error)}.`, {
    hint: "Give a path in a folder that the agent may write to.",
    cause: error,
  });
