import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { createBashTool } from "../builtin/bash-tool.ts";
import { benchOf, temporaryFolder } from "../test/bench.ts";
import { openTaskWorktree } from "../workspace/task-worktree.ts";
import { openShell, type ShellOptions } from "./open-shell.ts";

const { PATH } = process.env;
const secret = "what nobody may read";

let outside: string;
let workspace: string;
beforeEach(() => {
  outside = temporaryFolder();
  workspace = join(outside, "workspace");
  mkdirSync(workspace);
  writeFileSync(join(outside, "secret.txt"), secret);
});

const bench = (options: Partial<ShellOptions> = {}) => {
  const shell = openShell({ env: { PATH, MY_API_KEY: "key-of-this-process" }, ...options });
  const { call } = benchOf([createBashTool(shell)], {}, { workspace });
  return {
    shell,
    bash: (command: string, more: object = {}, signal?: AbortSignal) =>
      call("Bash", { command, ...more }, signal),
  };
};

const written = (file: string) =>
  expect.poll(() => existsSync(file) && readFileSync(file, "utf8")).toMatch(/\S/);

it("is a whole sandbox, and says so to the model", () => {
  const { shell } = bench();
  expect(shell).toMatchObject({ kind: "bubblewrap", warning: null });
  expect(createBashTool(shell).description).toContain("in a sandbox");
});

it("works in the workspace, and keeps what it writes there", async () => {
  const { bash } = bench();
  expect(
    await bash("pwd; echo made > file; node -e 'console.log(1 + 1)'; git --version > /dev/null && echo git"),
  ).toEqual({
    content: `${workspace}\n2\ngit`,
  });
  expect(readFileSync(join(workspace, "file"), "utf8")).toBe("made\n");
});

it.each([
  ["..", () => "cat ../secret.txt"],
  ["an absolute path", () => `cat ${outside}/secret.txt`],
  [
    "a link",
    () => {
      symlinkSync(join(outside, "secret.txt"), join(workspace, "link"));
      return "cat link";
    },
  ],
  [
    "a link in the middle",
    () => {
      symlinkSync(outside, join(workspace, "middle"));
      return "cat middle/secret.txt";
    },
  ],
  ["/proc/1/root", () => `cat /proc/1/root${outside}/secret.txt`],
  ["/proc/self/cwd", () => "cat /proc/self/cwd/../secret.txt"],
  ["a mount", () => `mount --bind / /mnt; cat /mnt${outside}/secret.txt`],
  [
    "a namespace of its own",
    () => `unshare -Urm sh -c 'mount -t tmpfs x /mnt; cat /mnt${outside}/secret.txt'`,
  ],
  ["chroot", () => `chroot /proc/1/root cat ${outside}/secret.txt`],
  ["passwords", () => "cat /etc/shadow"],
  ["somebody's home", () => `ls ~root ~/.ssh ${process.env.HOME}/.ssh`],
])("does not read what is outside by %s", async (_, command) => {
  const { bash } = bench();
  const outcome = await bash(command());
  expect(outcome.isError).toBe(true);
  expect(outcome.content).not.toContain(secret);
});

it("writes nothing outside of the workspace", async () => {
  const { bash } = bench();
  const places = [
    "/usr/bin/x",
    "/etc/x",
    "/x",
    "/dev/x",
    "/proc/sys/kernel/core_pattern",
    "/proc/sysrq-trigger",
    "/sys/x",
  ];
  for (const place of places) expect(await bash(`echo x > ${place}`)).toMatchObject({ isError: true });
  await bash(`echo x > ${outside}/x; echo x > ../y; echo changed > ${outside}/secret.txt`);
  expect(readdirSync(outside).sort()).toEqual(["secret.txt", "workspace"]);
  expect(readFileSync(join(outside, "secret.txt"), "utf8")).toBe(secret);
  // The temporary folder is its own, and is gone afterwards.
  expect(await bash("echo mine > /tmp/x; cat /tmp/x")).toEqual({ content: "mine" });
  expect(await bash("cat /tmp/x")).toMatchObject({ isError: true });
});

it("sees no process but its own, no secret of theirs, and no privilege", async () => {
  const { bash } = bench();
  const { content } = await bash(
    "cat /proc/*/environ | tr '\\0' '\\n'; ls -d /proc/[0-9]* | wc -l; grep CapEff /proc/self/status",
  );
  expect(content).not.toContain("key-of-this-process");
  expect(content).toMatch(/CapEff:\s+0{16}$/);
  expect(Number(/^(\d+)$/m.exec(content)?.[1])).toBeLessThan(10);
  expect(await bash(`kill -9 ${process.pid}`)).toMatchObject({ isError: true });
});

it("has no network unless that is allowed", async () => {
  const server = createServer((socket) => socket.end("reached\n"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  const reach = `exec 3<>/dev/tcp/127.0.0.1/${port} && cat <&3`;
  expect(await bench().bash(reach)).toMatchObject({ isError: true });
  expect(await bench().bash("cat /proc/net/dev | grep -cv -e lo: -e '|'")).toMatchObject({
    content: expect.stringContaining("0"),
  });
  const open = bench({ network: true });
  expect(await open.bash(reach)).toEqual({ content: "reached" });
  expect(open.shell.warning).toContain("network");
});

it("ends a fork bomb, a flood, and what takes too much memory", async () => {
  const mebibyte = 1024 * 1024;
  const { bash } = bench({ limits: { processes: 40, memoryBytes: 300 * mebibyte, outputBytes: mebibyte } });
  const bomb = await bash("bomb() { bomb | bomb & }; bomb; sleep 300", { timeout: 20_000 });
  expect(bomb.content).toMatch(/more than 40 processes|Resource temporarily unavailable|retry/);
  expect((await bash("yes")).content).toMatch(/^It wrote more than 1048576 bytes/);
  const grab = "const a = []; for (;;) a.push(Buffer.alloc(10 * 1024 * 1024, 1))";
  expect(await bash(`node -e '${grab}'`, { timeout: 20_000 })).toMatchObject({ isError: true });
  const fill = await bash("head -c 2G /dev/zero > /tmp/large", { timeout: 20_000 });
  expect(fill).toMatchObject({ isError: true });
});

it("ends what ignores SIGTERM, with all that it started, in whatever session", async () => {
  const { bash } = bench({ limits: { graceMs: 50 } });
  const stop = new AbortController();
  const name = `sleeper-${process.pid}`;
  const script = `trap '' TERM; cp /bin/sleep ${name}; setsid ./${name} 300 & ./${name} 301 & echo 1 > begun; while true; do sleep 300; done`;
  const call = bash(script, {}, stop.signal);
  await written(join(workspace, "begun"));
  stop.abort(new Error("cancelled"));
  await expect(call).rejects.toThrow("cancelled");
  await expect
    .poll(() =>
      execFileSync(
        "sh",
        ["-c", `cat /proc/[0-9]*/comm 2>/dev/null | grep -c '^${name.slice(0, 15)}' || true`],
        { encoding: "utf8" },
      ),
    )
    .toBe("0\n");
});

it("lets one that listens clean up", async () => {
  const { bash } = bench({ limits: { graceMs: 20_000 } });
  const stop = new AbortController();
  const call = bash(
    "trap 'echo cleaned > cleaned; exit' TERM; echo 1 > begun; while true; do sleep 0.05; done",
    {},
    stop.signal,
  );
  await written(join(workspace, "begun"));
  stop.abort(new Error("cancelled"));
  await expect(call).rejects.toThrow("cancelled");
  await written(join(workspace, "cleaned"));
});

const git = (folder: string, ...args: string[]) =>
  execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@example.com", ...args], {
    cwd: folder,
    encoding: "utf8",
  });

it("commits, but leaves git nothing that it would run", async () => {
  git(workspace, "init", "-q");
  const { bash } = bench();
  const identity = "git config user.name x";
  expect(await bash(identity)).toMatchObject({ isError: true });
  expect(
    await bash(
      "echo a > a; git add a; git -c user.name=x -c user.email=x@example.com commit -qm one; git log --format=%s",
    ),
  ).toEqual({
    content: "one",
  });
  for (const command of [
    "echo 'touch owned' > .git/hooks/post-commit",
    "echo '[core] fsmonitor = touch owned' >> .git/config",
    "rm -rf .git/hooks",
    "mv .git elsewhere",
    "mv .git/config .git/other",
  ]) {
    expect(await bash(command)).toMatchObject({ isError: true });
  }
  expect(git(workspace, "log", "--format=%s")).toBe("one\n");
});

it("does not show another repository to whoever writes a .git file that names it", async () => {
  const other = join(outside, "other");
  mkdirSync(other);
  git(other, "init", "-q");
  git(other, "commit", "-q", "--allow-empty", "-m", "private");
  git(other, "worktree", "add", "-q", join(outside, "tree"));
  writeFileSync(join(workspace, ".git"), `gitdir: ${join(other, ".git/worktrees/tree")}\n`);
  const { bash } = bench();
  const outcome = await bash("git log");
  expect(outcome.isError).toBe(true);
  expect(outcome.content).not.toContain("private");
});

it("commits in a working copy of its own, and changes nothing of the repository that git runs", async () => {
  const repository = join(outside, "repository");
  mkdirSync(repository);
  git(repository, "init", "-q");
  git(repository, "commit", "-q", "--allow-empty", "-m", "first");
  const worktree = await openTaskWorktree({
    repository,
    folder: join(outside, "trees"),
    taskId: "t",
    env: { PATH, HOME: process.env.HOME },
  });
  workspace = worktree.path;
  const { bash } = bench();
  const commit = "echo a > a; git add a; git -c user.name=x -c user.email=x@example.com commit -qm second";
  expect(await bash(`${commit}; git log --format=%s`)).toEqual({ content: "second\nfirst" });
  for (const command of [
    `echo x >> ${repository}/.git/config`,
    `echo x > ${repository}/.git/hooks/post-commit`,
    "echo gitdir: /tmp/x > .git",
    `echo x > ${repository}/.git/worktrees/t/commondir`,
    "rm .git",
  ]) {
    expect(await bash(command)).toMatchObject({ isError: true });
  }
  expect(await worktree.close()).toEqual({ isKept: true });
  expect(git(repository, "log", "--format=%s", worktree.branch)).toBe("second\nfirst\n");
});

it("does not change the settings of a folder below that agents work by, nor make any", async () => {
  const app = join(workspace, "app");
  mkdirSync(join(app, ".claude"), { recursive: true });
  writeFileSync(join(app, ".claude/settings.json"), "{}");
  const { bash } = bench({ settingsFolders: [workspace, app, outside] });
  for (const change of [
    "echo x > app/.claude/settings.json",
    "rm app/.claude/settings.json",
    "mv app/.claude app/other",
    "mv app other",
    "rm -rf app",
  ])
    expect(await bash(change)).toMatchObject({ isError: true });
  expect(readFileSync(join(app, ".claude/settings.json"), "utf8")).toBe("{}");
  expect((await bash("echo x > app/.claude/settings.local.json")).content).toContain(
    "Removed again, since only a person may make it: app/.claude/settings.local.json",
  );
  expect(existsSync(join(app, ".claude/settings.local.json"))).toBe(false);
});

it("does not put another folder in the place of the one with its settings", async () => {
  mkdirSync(join(workspace, ".claude/agents"), { recursive: true });
  writeFileSync(join(workspace, ".claude/settings.json"), "{}");
  const { bash } = bench();
  const swap = "mv .claude old && mkdir .claude && echo '{\"x\": 1}' > .claude/settings.json";
  expect(await bash(swap)).toMatchObject({ isError: true });
  expect(readFileSync(join(workspace, ".claude/settings.json"), "utf8")).toBe("{}");
  expect(
    await bash("mkdir -p .claude/agent-memory && echo x > .claude/agent-memory/note"),
  ).not.toHaveProperty("isError");
});
