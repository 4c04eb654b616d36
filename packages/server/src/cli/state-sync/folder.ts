import { createHash, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { link, lstat, mkdir, open, readdir, readFile, rename, rm, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Json, limits, StatePath } from "@muster/sdk/protocol";

/** A JSON file as it was read. */
export interface LocalFile {
  text: string;
  content: Json;
}

/** A file that can't be synced as it is, and why. It is neither uploaded nor touched. */
export interface LocalProblem {
  problem: string;
}

/** Called between any two steps that leave something behind; tests end the process there, or write. */
export type Between = () => Promise<void>;

export const privateFolder = ".muster-state";
const suffix = ".json";
const pathPattern = new RegExp((StatePath as unknown as { pattern: string }).pattern);

const isMissing = (error: unknown): boolean =>
  ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
export const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");
export const textOf = (content: Json): string => `${JSON.stringify(content, null, 2)}\n`;

/** Names come from the server, too: a path that leads anywhere else is refused here as well. */
export function checkPath(path: string): string {
  if (pathPattern.test(path) && path.length <= limits.statePathLength) return path;
  throw new Error(`${JSON.stringify(path)} is no path of a document`);
}

const fileOf = (root: string, path: string): string => join(root, ...checkPath(path).split("/")) + suffix;

/** Every JSON file of a folder by the path of its document, and what stands in the way. Links are never followed. */
export async function scanFolder(root: string): Promise<Map<string, LocalFile | LocalProblem>> {
  const found = new Map<string, LocalFile | LocalProblem>();
  const open = [""];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      if (entry.name.startsWith(".")) continue;
      const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) open.push(name);
      else if (entry.name.endsWith(suffix)) {
        const path = name.slice(0, -suffix.length);
        found.set(path, await readLocal(root, path).then((file) => file ?? { problem: "it went away" }));
      }
      if (found.size > limits.stateDocumentsPerProject)
        throw new Error(`${root} holds more than ${limits.stateDocumentsPerProject} JSON files`);
    }
  }
  return found;
}

/** Undefined where there is no file. */
export async function readLocal(root: string, path: string): Promise<LocalFile | LocalProblem | undefined> {
  if (!pathPattern.test(path)) {
    return {
      problem: "its name can't be that of a document: letters, digits, dots, hyphens and underscores can",
    };
  }
  try {
    const unsafe = await findLink(root, path);
    if (unsafe !== undefined) return { problem: unsafe };
    return parse(await readText(fileOf(root, path)));
  } catch (error) {
    if (isMissing(error)) return undefined;
    return { problem: `it can't be read: ${(error as Error).message}` };
  }
}

async function readText(file: string): Promise<string> {
  const handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Error("it is no file");
    if (stat.size > limits.bodyBytes) throw new Error(`it has more than ${limits.bodyBytes} bytes`);
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

function parse(text: string): LocalFile | LocalProblem {
  try {
    const content = JSON.parse(text.replace(/^\ufeff/, "")) as Json;
    return content === null ? { problem: "it holds null, which is no document" } : { text, content };
  } catch (error) {
    return { problem: `it is not JSON: ${(error as Error).message}` };
  }
}

/** A folder on the way to a file, or the file, that is a link and might lead out. */
async function findLink(root: string, path: string): Promise<string | undefined> {
  const segments = `${checkPath(path)}${suffix}`.split("/");
  for (let length = 1; length <= segments.length; length++) {
    const place = join(root, ...segments.slice(0, length));
    if ((await lstat(place)).isSymbolicLink())
      return `${segments.slice(0, length).join("/")} is a symbolic link`;
  }
  return undefined;
}

/** Writes durably under a name of its own. */
async function writeTemporary(root: string, text: string): Promise<string> {
  const file = join(root, privateFolder, "tmp", randomUUID());
  await mkdir(dirname(file), { recursive: true });
  const handle = await open(file, "wx");
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return file;
}

/** Replaces a file of our own as a whole. */
export async function writePrivate(root: string, name: string, text: string): Promise<void> {
  const file = join(root, privateFolder, name);
  await mkdir(dirname(file), { recursive: true });
  await rename(await writeTemporary(root, text), file);
}

/** Creates a file as a whole; false where there is one already. */
async function create(root: string, file: string, text: string): Promise<boolean> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = await writeTemporary(root, text);
  try {
    await link(temporary, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await unlink(temporary);
  }
}

/**
 * Makes the file of a document what the server has, provided that it still is what was read (`expected`; null: not
 * there). False: somebody changed it meanwhile, and nothing was done. What is replaced is laid aside, since a program may
 * still be writing into it; `settleAside` looks at it again.
 */
export async function writeDocument(
  root: string,
  path: string,
  text: string,
  expected: string | null,
  between: Between,
): Promise<boolean> {
  await refuseLinks(root, path);
  const file = fileOf(root, path);
  if (expected === null) return create(root, file, text);
  const aside = await layAside(root, path, expected);
  await between();
  await link(file, aside);
  await between();
  const temporary = await writeTemporary(root, text);
  const [now, laid] = await Promise.all([lstat(file), lstat(aside)]);
  if (now.ino !== laid.ino || (await readFile(aside, "utf8")) !== expected) {
    await unlink(temporary);
    await rm(dirname(aside), { recursive: true });
    return false;
  }
  await rename(temporary, file);
  await between();
  return true;
}

/** Removes the file of a document, provided that it still is what was read. */
export async function removeDocument(
  root: string,
  path: string,
  expected: string,
  between: Between,
): Promise<boolean> {
  await refuseLinks(root, path);
  const file = fileOf(root, path);
  const aside = await layAside(root, path, expected);
  await between();
  await rename(file, aside);
  await between();
  if ((await readFile(aside, "utf8")) === expected) return true;
  await link(aside, file).catch(() => keepAside(root, path, aside));
  await rm(dirname(aside), { recursive: true });
  return false;
}

async function refuseLinks(root: string, path: string): Promise<void> {
  try {
    const found = await findLink(root, path);
    if (found !== undefined) throw new Error(`${found}, which is not followed`);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Where a file may be laid; beside it stands what it was, so that a crash at any moment loses nothing. */
async function layAside(root: string, path: string, expected: string): Promise<string> {
  const name = `aside/${randomUUID()}`;
  await writePrivate(root, `${name}/about`, JSON.stringify({ path, hash: hashOf(expected) }));
  return join(root, privateFolder, name, "file");
}

/** Looks again at what was laid aside: what somebody wrote into it afterwards is kept. Answers the names of such files. */
export async function settleAside(root: string): Promise<{ path: string; file: string }[]> {
  const kept: { path: string; file: string }[] = [];
  const above = join(root, privateFolder, "aside");
  for (const name of await namesIn(above)) {
    const about = await readFile(join(above, name, "about"), "utf8").catch(() => undefined);
    const text = await readFile(join(above, name, "file"), "utf8").catch(() => undefined);
    if (about !== undefined && text !== undefined) {
      const { path, hash } = JSON.parse(about) as { path: string; hash: string };
      if (hashOf(text) !== hash) kept.push({ path, file: await keepConflict(root, path, text) });
    }
    await rm(join(above, name), { recursive: true, force: true });
  }
  await rm(join(root, privateFolder, "tmp"), { recursive: true, force: true });
  return kept;
}

const keepAside = async (root: string, path: string, aside: string) =>
  void (await keepConflict(root, path, await readFile(aside, "utf8")));

/** Keeps a side beside the file. The same text is kept once, however often. Answers the name of the file. */
export async function keepConflict(root: string, path: string, text: string): Promise<string> {
  const name = `${checkPath(path)}${suffix}.conflict-${hashOf(text).slice(0, 12)}`;
  await create(root, join(root, ...name.split("/")), text);
  return name;
}

export const namesIn = (folder: string): Promise<string[]> =>
  readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
