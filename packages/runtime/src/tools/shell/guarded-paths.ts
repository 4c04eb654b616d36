import { existsSync, lstatSync, mkdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { protectedFiles } from "../builtin/file-subject.ts";

/** What a sandbox shows of a repository beside the workspace, and what of both it lets nobody change. */
export interface GuardedPaths {
  /** Bound so that they can be written to, but neither be moved nor replaced. */
  writable: string[];
  /** Bound above them, read-only. */
  readOnly: string[];
}

/** What git runs programs by. */
const runsPrograms = ["config", "config.worktree", "hooks", "modules"];

/**
 * A command may commit, but not leave something behind that git, run by a person outside of the sandbox, would start:
 * `.git` stays where it is, with its configuration and hooks as they are. The `.git` of a worktree is a file that names a
 * folder elsewhere, which is shown as well, if that folder names the workspace as its own. `folders` are others that have
 * files like those that are protected in the workspace.
 */
export function guardedPaths(workspace: string, folders: readonly string[] = []): GuardedPaths {
  const { readOnly, fixed } = guardedSettings(workspace, folders);
  const git = join(workspace, ".git");
  const kind = kindOf(git);
  if (kind === "folder") return { writable: [...fixed, git], readOnly: [...readOnly, ...guardsOf(git)] };
  const shared = kind === "file" ? sharedGitFolder(git) : null;
  if (shared === null) return { writable: fixed, readOnly: kind === "file" ? [...readOnly, git] : readOnly };
  const { common, own } = shared;
  const links = ["gitdir", "commondir"].map((name) => join(own, name)).filter(existsSync);
  return { writable: [...fixed, common], readOnly: [...readOnly, git, ...guardsOf(common), ...links] };
}

/**
 * A file that is bound can't be moved, but the folders above it could be, with another one made in their place; so those
 * are bound as well, from the workspace down to each `.claude`.
 */
function guardedSettings(
  workspace: string,
  folders: readonly string[],
): { readOnly: string[]; fixed: string[] } {
  const readOnly = protectedIn(workspace, folders).filter(existsSync);
  const fixed = new Set<string>();
  for (const path of readOnly)
    for (let at = dirname(path); at.startsWith(workspace + sep); at = dirname(at))
      if (kindOf(at) === "folder") fixed.add(at);
  // The outer ones first: what is bound later lies above.
  return { readOnly, fixed: [...fixed].sort() };
}

function guardsOf(git: string): string[] {
  try {
    // A folder that is not there can't be guarded; an empty one does nothing.
    mkdirSync(join(git, "hooks"));
  } catch {
    // It is there, as mostly.
  }
  return runsPrograms.map((name) => join(git, name)).filter(existsSync);
}

function kindOf(path: string): "folder" | "file" | "none" {
  try {
    const stats = lstatSync(path);
    return stats.isDirectory() ? "folder" : stats.isFile() ? "file" : "none";
  } catch {
    return "none";
  }
}

/** The git folder of a worktree: that of its repository, and its own part of it. */
function sharedGitFolder(gitFile: string): { common: string; own: string } | null {
  try {
    const named = /^gitdir: (.+)$/m.exec(readFileSync(gitFile, "utf8"))?.[1];
    if (named === undefined || !isAbsolute(named)) return null;
    const own = realpathSync(named);
    const common = dirname(dirname(own));
    // Anybody can write a file that names a folder of somebody else; only git makes the folder name the file.
    const names = readFileSync(join(own, "gitdir"), "utf8").trim();
    const isOwn = realpathSync(resolve(own, names)) === realpathSync(gitFile);
    return isOwn && basename(dirname(own)) === "worktrees" ? { common, own } : null;
  } catch {
    return null;
  }
}

/**
 * Protected files that are not there can't be guarded. Notes which, and answers what removes those that came meanwhile and
 * names them.
 */
export function watchProtectedFiles(workspace: string, folders: readonly string[] = []): () => string[] {
  const absent = protectedIn(workspace, folders).filter((path) => !exists(path));
  return () => {
    const made = absent.filter(exists);
    for (const path of made) rmSync(path, { recursive: true, force: true });
    return made.map((path) => relative(workspace, path));
  };
}

/** Of the workspace, and of those folders that lie in it: whoever starts agents there has settings of their own. */
const protectedIn = (workspace: string, folders: readonly string[]): string[] =>
  [workspace, ...folders.filter((folder) => folder.startsWith(workspace + sep))].flatMap((folder) =>
    protectedFiles.map((path) => join(folder, path)),
  );

const exists = (path: string): boolean => {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
};
