import { constants, type Dirent } from "node:fs";
import { open, opendir } from "node:fs/promises";
import { join } from "node:path";
import { type IgnoreRules, parseIgnoreRules } from "./ignore-rules.ts";
import { maxSourceBytes, reasonOf } from "./read-source.ts";
import { type Language, languageOf } from "./source-language.ts";

/** Bounds of one walk. What lies beyond a bound is named in `skipped`. */
const walkLimits = {
  depth: 32,
  /** Entries of folders looked at, sources or not. */
  entries: 200_000,
  /** Entries in `skipped`. */
  skipped: 500,
  /** Bytes of the JSON text of all files and skipped entries, so that a listing fits into one payload. */
  listingBytes: 320 * 1024,
  gitignoreBytes: 64 * 1024,
} as const;

/** Folders that hold what others wrote or what a build made. */
const generatedFolders: ReadonlySet<string> = new Set(
  "dist out coverage .next .nuxt .output .svelte-kit .angular .turbo .cache .parcel-cache .vite .yarn .muster".split(
    " ",
  ),
);
const foreignFolders: ReadonlySet<string> = new Set([
  "node_modules",
  ".git",
  "bower_components",
  "jspm_packages",
]);

interface SourceFile {
  /** Relative to the root, with `/` between folders. */
  path: string;
  bytes: number;
  language: Language;
}

export interface SourceListing {
  files: SourceFile[];
  skipped: { path: string; reason: string }[];
}

export interface WalkOptions {
  maxFiles: number;
  /** Only files that one of these patterns matches, in the language of `.gitignore`; all when empty. */
  include: IgnoreRules | undefined;
  exclude: IgnoreRules | undefined;
  signal: AbortSignal;
  onFolder: (path: string, filesSoFar: number) => void;
}

interface Scope {
  /** Relative to the root, "" for the root itself. */
  folder: string;
  rules: IgnoreRules;
}

/**
 * Lists the sources below a folder in the order of their paths. It only reads: names, sizes, the first bytes
 * of each source, and `.gitignore` files as text. It never follows a symbolic link and never runs git, whose
 * configuration can start programs.
 */
export const walkSources = async (root: string, options: WalkOptions): Promise<SourceListing> => {
  const listing: SourceListing = { files: [], skipped: [] };
  const budget = { entries: walkLimits.entries, bytes: walkLimits.listingBytes };
  let skippedBeyond = 0;
  let stopped = false;

  const skip = (path: string, reason: string): void => {
    if (listing.skipped.length >= walkLimits.skipped) skippedBeyond += 1;
    else listing.skipped.push({ path, reason });
    budget.bytes -= listing.skipped.length >= walkLimits.skipped ? 0 : path.length * 2 + reason.length + 32;
  };
  const isFull = (): string | undefined => {
    if (listing.files.length >= options.maxFiles) return `the limit of ${options.maxFiles} files was reached`;
    if (budget.bytes <= 0) return "the listing grew too large";
    return budget.entries <= 0 ? `more than ${walkLimits.entries} entries` : undefined;
  };

  const visitFile = async (path: string): Promise<void> => {
    const look = await lookAt(join(root, path));
    if (look.reason !== undefined) return skip(path, look.reason);
    const file = { path, bytes: look.bytes, language: languageOf(path)! };
    budget.bytes -= Buffer.byteLength(JSON.stringify(file)) + 1;
    listing.files.push(file);
  };

  const visit = async (folder: string, depth: number, outer: readonly Scope[]): Promise<void> => {
    options.signal.throwIfAborted();
    options.onFolder(folder, listing.files.length);
    const { entries, reason } = await readFolder(join(root, folder), budget);
    if (reason !== undefined) skip(folder || ".", reason);
    const scopes = await withGitignore(root, folder, outer, skip);
    for (const entry of entries) {
      const full = isFull();
      if (full !== undefined) {
        if (!stopped) skip(folder || ".", `not listed to the end: ${full}`);
        stopped = true;
        return;
      }
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      const decision = decide(entry, path, scopes, options);
      if (decision === "file") await visitFile(path);
      else if (decision === "folder" && depth < walkLimits.depth) await visit(path, depth + 1, scopes);
      else if (decision === "folder") skip(path, `deeper than ${walkLimits.depth} folders`);
      else if (decision !== undefined) skip(path, decision.reason);
    }
  };

  await visit("", 1, []);
  if (skippedBeyond > 0) listing.skipped.push({ path: ".", reason: `${skippedBeyond} more were skipped` });
  listing.files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return listing;
};

/** What to do with an entry; undefined for one that is of no interest. */
const decide = (
  entry: Dirent,
  path: string,
  scopes: readonly Scope[],
  options: WalkOptions,
): "file" | "folder" | { reason: string } | undefined => {
  const isFolder = entry.isDirectory();
  const language = languageOf(entry.name);
  if (isFolder && foreignFolders.has(entry.name)) return undefined;
  if (!isFolder && language === undefined) return undefined;
  const asked = isFolder ? `${path}/` : path;
  if (options.exclude?.matches(asked)) return undefined;
  if (!isFolder && options.include?.matches(path) === false) return undefined;
  if (isGitignored(asked, scopes)) return undefined;
  if (entry.isSymbolicLink()) return { reason: "symbolic links are not followed" };
  if (isFolder)
    return generatedFolders.has(entry.name) ? { reason: "output of a build or a tool" } : "folder";
  if (!entry.isFile()) return { reason: "not a regular file" };
  if (/[.-]min\.[cm]?js$|\.bundle\.[cm]?js$/.test(entry.name)) return { reason: "minified or bundled" };
  return "file";
};

const isGitignored = (path: string, scopes: readonly Scope[]): boolean => {
  for (const { folder, rules } of scopes) {
    const verdict = rules.verdict(folder === "" ? path : path.slice(folder.length + 1));
    if (verdict !== undefined) return verdict;
  }
  return false;
};

/** The scopes of a folder, innermost first: its own `.gitignore`, when it has one, goes before the outer ones. */
const withGitignore = async (
  root: string,
  folder: string,
  outer: readonly Scope[],
  skip: (path: string, reason: string) => void,
): Promise<readonly Scope[]> => {
  const path = folder === "" ? ".gitignore" : `${folder}/.gitignore`;
  const head = await readHead(join(root, path), walkLimits.gitignoreBytes + 1).catch(() => undefined);
  if (head === undefined) return outer;
  if (head.length > walkLimits.gitignoreBytes) {
    skip(path, `not used: larger than ${walkLimits.gitignoreBytes / 1024} KiB`);
    return outer;
  }
  const rules = parseIgnoreRules(head.toString("utf8").split(/\r?\n/));
  for (const { pattern, reason } of rules.refused) skip(path, `pattern ${pattern} not used: ${reason}`);
  return [{ folder, rules }, ...outer];
};

/** A folder's entries by name, or those that could be read and why there are no more. */
const readFolder = async (
  path: string,
  budget: { entries: number },
): Promise<{ entries: Dirent[]; reason?: string }> => {
  const entries: Dirent[] = [];
  try {
    for await (const entry of await opendir(path)) {
      if (budget.entries <= 0) return { entries, reason: `more than ${walkLimits.entries} entries` };
      budget.entries -= 1;
      entries.push(entry);
    }
  } catch (error) {
    return { entries, reason: reasonOf(error) };
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { entries };
};

const sampleBytes = 16 * 1024;
const minifiedLineLength = 1_000;

/** A source's size, or why it is left out: too large, binary, or with lines that only a machine writes. */
const lookAt = async (path: string): Promise<{ bytes: number; reason?: undefined } | { reason: string }> => {
  try {
    const handle = await openToRead(path);
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) return { reason: "not a regular file" };
      if (stats.size > maxSourceBytes) return { reason: `larger than ${maxSourceBytes / 1024} KiB` };
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(sampleBytes), 0, sampleBytes, 0);
      const sample = buffer.subarray(0, bytesRead);
      if (sample.includes(0)) return { reason: "binary, not text" };
      const lines = sample.toString("latin1").split("\n").length;
      if (bytesRead / lines > minifiedLineLength) return { reason: "minified or bundled" };
      return { bytes: stats.size };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return { reason: reasonOf(error) };
  }
};

const readHead = async (path: string, limit: number): Promise<Buffer> => {
  const handle = await openToRead(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(limit), 0, limit, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
};

/** Opens without following a link and without waiting at a pipe. */
const openToRead = (path: string) =>
  open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
