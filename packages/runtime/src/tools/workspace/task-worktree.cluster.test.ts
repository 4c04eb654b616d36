import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { temporaryFolder } from "../test/bench.ts";
import { openTaskWorktree } from "./task-worktree.ts";

const identity = ["-c", "user.name=x", "-c", "user.email=x@example.com"];
const git = (folder: string, ...args: string[]): string =>
  execFileSync("git", [...identity, ...args], { cwd: folder, encoding: "utf8" });

let repository: string;
let folder: string;
beforeEach(() => {
  const parent = temporaryFolder();
  repository = join(parent, "repository");
  folder = join(parent, "worktrees");
  mkdirSync(repository);
  git(repository, "init", "-q");
  writeFileSync(join(repository, "a.txt"), "one\n");
  git(repository, "add", ".");
  git(repository, "commit", "-qm", "one");
});
const { PATH, HOME } = process.env;
const open = (taskId = "task-1") => openTaskWorktree({ repository, folder, taskId, env: { PATH, HOME } });
const branches = (): string =>
  git(repository, "branch", "--format=%(refname:short)", "--list", "muster/*").trim();

it("gives each task a working copy of its own, and takes away what nobody changed", async () => {
  const [one, two] = await Promise.all([open("task-1"), open("task/2 …")]);
  expect(one.path).not.toBe(two.path);
  expect(readFileSync(join(one.path, "a.txt"), "utf8")).toBe("one\n");
  expect(git(two.path, "branch", "--show-current").trim()).toBe(two.branch);
  expect(await one.close()).toEqual({ isKept: false });
  expect(await two.close()).toEqual({ isKept: false });
  expect(existsSync(one.path)).toBe(false);
  expect(branches()).toBe("");
});

it("keeps what was changed or committed, and gives it to the next attempt", async () => {
  const first = await open();
  writeFileSync(join(first.path, "b.txt"), "new");
  expect(await first.close()).toEqual({ isKept: true });
  const second = await open();
  expect(readFileSync(join(second.path, "b.txt"), "utf8")).toBe("new");
  git(second.path, "add", ".");
  git(second.path, "commit", "-qm", "two");
  expect(await second.close()).toEqual({ isKept: true });
  expect(existsSync(join(repository, "b.txt"))).toBe(false);
  // Even if somebody deleted the folder, what was committed is there.
  rmSync(second.path, { recursive: true });
  expect(existsSync(join((await open()).path, "b.txt"))).toBe(true);
});

it("makes one anew that a crash left half made", async () => {
  mkdirSync(join(folder, "task-1"), { recursive: true });
  writeFileSync(join(folder, "task-1/rest"), "");
  const { path } = await open();
  expect(existsSync(join(path, "rest"))).toBe(false);
  expect(existsSync(join(path, "a.txt"))).toBe(true);
});

it("runs nothing that the repository or an agent left for git to run", async () => {
  const mark = join(folder, "owned");
  mkdirSync(join(repository, ".git/hooks"), { recursive: true });
  writeFileSync(join(repository, ".git/hooks/post-checkout"), `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
  const worktree = await open();
  const trap = join(folder, "trap");
  git(repository, "clone", "-q", ".", trap);
  git(trap, "config", "core.fsmonitor", `touch ${mark};`);
  writeFileSync(join(worktree.path, ".git"), `gitdir: ${trap}/.git\n`);
  writeFileSync(join(worktree.path, "b.txt"), "new");
  expect(await worktree.close()).toEqual({ isKept: true });
  expect(existsSync(mark)).toBe(false);
});

it("says what is missing where there is no repository, and where it has no commit", async () => {
  const empty = temporaryFolder();
  const opened = openTaskWorktree({ repository: empty, folder, taskId: "a", env: { PATH, HOME } });
  await expect(opened).rejects.toMatchObject({
    code: "invalid_request",
    hint: expect.stringContaining("commit"),
  });
  git(empty, "init", "-q");
  await expect(
    openTaskWorktree({ repository: empty, folder, taskId: "a", env: { PATH, HOME } }),
  ).rejects.toMatchObject({
    code: "invalid_request",
  });
});
