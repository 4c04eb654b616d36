import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { MusterError } from "@muster/sdk";

/** A working copy of a repository for one task, on a branch of its own. */
export interface TaskWorktree {
  /** Absolute, without links. */
  readonly path: string;
  readonly branch: string;
  /** Takes it away with its branch, if nothing was done in it; answers whether it stays. */
  close(): Promise<{ isKept: boolean }>;
}

export interface TaskWorktreeOptions {
  /** The repository's folder, with a commit at least. */
  repository: string;
  /** Where working copies lie, outside of the repository. */
  folder: string;
  /** The same task gets the same working copy again, also after a crash. */
  taskId: string;
  env: Readonly<Record<string, string | undefined>>;
}

type Git = (args: readonly string[], more?: Record<string, string>) => Promise<string>;

const run = promisify(execFile);
const gitTimeoutMs = 120_000;
const mostOutputBytes = 16 * 1024 * 1024;
/** Nothing that a repository brings is run: no hooks, no monitor. */
const quiet = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "gc.auto=0"];

/** Git holds a lock while it adds a working copy, and who comes meanwhile fails: so they come one after the other. */
let turn: Promise<unknown> = Promise.resolve();

/**
 * Opens the working copy of a task, at the repository's current commit the first time. Rejects with `invalid_request`
 * where there is no repository with a commit.
 */
export async function openTaskWorktree(options: TaskWorktreeOptions): Promise<TaskWorktree> {
  const git = gitIn(options.repository, options.env);
  const name = nameOf(options.taskId);
  const branch = `muster/${name}`;
  await mkdir(options.folder, { recursive: true });
  const path = join(await realpath(options.folder), name);
  const common = (await git(["rev-parse", "--path-format=absolute", "--git-common-dir"])).trim();
  await git(["rev-parse", "--verify", "HEAD"]);
  const added = turn.then(() => add(git, common, path, branch));
  turn = added.catch(() => undefined);
  await added;
  return { path, branch, close: () => close(git, common, path, branch) };
}

async function add(git: Git, common: string, path: string, branch: string): Promise<void> {
  if ((await ownFolder(common, path)) !== null && (await isThere(join(path, ".git")))) return;
  // What a crash left half made.
  await rm(path, { recursive: true, force: true });
  await git(["worktree", "prune"]);
  const hasBranch = await git(["rev-parse", "--verify", "--quiet", `refs/heads/${branch}`]).then(
    () => true,
    () => false,
  );
  await git(["worktree", "add", "--quiet", ...(hasBranch ? [path, branch] : ["-b", branch, path, "HEAD"])]);
}

/**
 * Looks from the outside: what stands in the working copy was written by an agent, and its `.git` could name a
 * configuration that starts programs.
 */
async function close(git: Git, common: string, path: string, branch: string): Promise<{ isKept: boolean }> {
  const own = await ownFolder(common, path);
  if (own !== null) {
    const place = { GIT_DIR: own, GIT_COMMON_DIR: common, GIT_WORK_TREE: path };
    const changes = await git(["status", "--porcelain", "--ignore-submodules=all"], place);
    const commits = await git(["rev-list", "--count", `HEAD..refs/heads/${branch}`]);
    if (changes.trim() !== "" || commits.trim() !== "0") return { isKept: true };
  }
  await rm(path, { recursive: true, force: true });
  await git(["worktree", "prune"]);
  await git(["branch", "-D", "--quiet", branch]).catch(() => "");
  return { isKept: false };
}

/** The part of the repository's git folder that is about a working copy; null where it knows of none there. */
async function ownFolder(common: string, path: string): Promise<string | null> {
  const folder = join(common, "worktrees");
  for (const name of await readdir(folder).catch(() => [])) {
    const names = await readFile(join(folder, name, "gitdir"), "utf8").catch(() => "");
    if (names.trim() === join(path, ".git")) return join(folder, name);
  }
  return null;
}

const isThere = (path: string): Promise<boolean> =>
  readFile(path).then(
    () => true,
    () => false,
  );

/** An id that is fit for the name of a folder and a branch is it; of any other, its hash. */
const nameOf = (taskId: string): string =>
  /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(taskId)
    ? taskId
    : createHash("sha256").update(taskId).digest("hex").slice(0, 32);

function gitIn(repository: string, env: TaskWorktreeOptions["env"]): Git {
  const passed = Object.fromEntries(
    ["PATH", "HOME", "LANG"].flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
  return async (args, more = {}) => {
    try {
      const { stdout } = await run("git", [...quiet, ...args], {
        cwd: repository,
        env: { ...passed, ...more, GIT_TERMINAL_PROMPT: "0", GIT_OPTIONAL_LOCKS: "0" },
        timeout: gitTimeoutMs,
        maxBuffer: mostOutputBytes,
      });
      return stdout;
    } catch (error) {
      const { stderr, message } = error as { stderr?: string; message: string };
      throw new MusterError(
        "invalid_request",
        `git ${args[0]} failed in ${repository}: ${(stderr || message).trim()}`,
        {
          hint: "A working copy for each task needs git, and a repository with a commit.",
          cause: error,
        },
      );
    }
  };
}
