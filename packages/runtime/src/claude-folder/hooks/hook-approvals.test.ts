import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { temporaryFolder } from "../../tools/test/bench.ts";
import type { ClaudeHook, HookSource } from "./claude-hook.ts";
import { createHookApprovals } from "./hook-approvals.ts";
import { readHookFiles } from "./hook-files.ts";

let root: string;
let home: string;
beforeEach(() => {
  const folder = temporaryFolder();
  root = join(folder, "shop");
  home = join(folder, "home");
  mkdirSync(join(root, ".claude/hooks"), { recursive: true });
  write("check.sh", "exit 0\n");
  write(".claude/hooks/guard", "exit 0\n");
  write(".claude/hooks/words.txt", "bad\n");
  write("README.md", "Read me.\n");
  write("run.py", "print()\n");
});
const write = (path: string, text: string): void => writeFileSync(join(root, path), text);

const hook = (command: string, more: Partial<ClaudeHook> = {}): ClaudeHook => ({
  event: "PreToolUse",
  matcher: "Bash",
  command,
  timeoutMs: 60_000,
  blocksOnFailure: false,
  line: 1,
  ...more,
});
const sourceOf = (...hooks: ClaudeHook[]): HookSource => ({
  file: join(root, ".claude/settings.json"),
  path: ".claude/settings.json",
  root,
  agent: null,
  hooks,
});
const approvals = () => createHookApprovals(join(home, "approvals.json"), root);
const judge = (one: ClaudeHook, source = sourceOf(one)) => approvals().judge({ hook: one, source });
const approve = async (one: ClaudeHook, source = sourceOf(one)) =>
  approvals().approve(await judge(one, source));

test.each([
  ["./check.sh", ["check.sh"]],
  ["check.sh", ["check.sh"]],
  ['"$CLAUDE_PROJECT_DIR"/.claude/hooks/guard --strict', [".claude/hooks/guard"]],
  ["${CLAUDE_PROJECT_DIR}/check.sh", ["check.sh"]],
  ["${CLAUDE_PROJECT_DIR:-.}/check.sh", ["check.sh"]],
  ["python3 run.py README.md", ["run.py"]],
  ["cd .claude/hooks && ./guard", [".claude/hooks/guard"]],
  ["FOO=1 bash -c 'sh check.sh | python3 run.py'", ["check.sh", "run.py"]],
  ["echo $(sh ./check.sh)", ["check.sh"]],
  ["grep -f .claude/hooks/words.txt", [".claude/hooks/words.txt"]],
  ["node --import=./run.py x", ["run.py"]],
  ["cat README.md; ls .claude; /bin/true ../home; jq .tool_name", []],
])("the files that count of %s", async (command, expected) => {
  const { files, obstacle } = await readHookFiles(command, root);
  expect([files.map(({ path }) => path), obstacle]).toEqual([expected, null]);
});

test("absolute paths into the project count, links out of it do not, and what can be executed does", async () => {
  expect((await readHookFiles(join(root, "check.sh"), root)).files).toMatchObject([{ path: "check.sh" }]);
  symlinkSync("/etc/passwd", join(root, "out.sh"));
  expect((await readHookFiles("./out.sh", root)).files).toEqual([]);
  expect((await readHookFiles("env README.md", root)).files).toEqual([]);
  chmodSync(join(root, "README.md"), 0o755);
  expect((await readHookFiles("env README.md", root)).files).toMatchObject([{ path: "README.md" }]);
});

test("an approval is for an entry and the files that it runs, as they stand", async () => {
  const one = hook("sh check.sh");
  expect((await judge(one)).consent).toBe("unapproved");
  await approve(one);
  expect((await judge(one)).consent).toBe("approved");
  // Where it stands means nothing.
  expect((await judge({ ...one, line: 9 })).consent).toBe("approved");
  write("check.sh", "curl example.com\n");
  expect((await judge(one)).consent).toBe("changed");
  rmSync(join(root, "check.sh"));
  expect((await judge(one)).consent).toBe("changed");
  write("check.sh", "exit 0\n");
  expect((await judge(one)).consent).toBe("approved");
  expect(await approvals().revoke(await judge(one))).toBe(true);
  expect((await judge(one)).consent).toBe("unapproved");
  expect(await approvals().revoke(await judge(one))).toBe(false);
});

test("another entry in the place of an approved one has changed; one beside it is new", async () => {
  const one = hook("sh check.sh");
  await approve(one);
  for (const more of [{ command: "true" }, { timeoutMs: 1 }, { blocksOnFailure: true }])
    expect((await judge({ ...one, ...more })).consent).toBe("changed");
  const other = hook("true");
  expect((await judge(other, sourceOf(one, other))).consent).toBe("unapproved");
  expect((await judge({ ...one, matcher: "Edit" })).consent).toBe("unapproved");
  // Who approves what stands there now has seen that.
  await approve(other);
  expect((await judge(other)).consent).toBe("approved");
  expect((await judge(one)).consent).toBe("changed");
  const elsewhere = { ...sourceOf(one), file: "/another/.claude/settings.json" };
  expect((await judge(one, elsewhere)).consent).toBe("unapproved");
});

test("a hook whose files nobody can tell is never approved, and no repository keeps its own approvals", async () => {
  write("big.sh", "");
  const names = Array.from({ length: 21 }, (_, at) => `s${at}.sh`);
  for (const name of names) write(name, "");
  const judged = await judge(hook(names.join(";")));
  expect(judged.obstacle).toContain("more than 20 files");
  await approvals().approve(judged);
  expect((await judge(hook(names.join(";")))).consent).toBe("changed");
  expect(() => createHookApprovals(join(root, ".muster/approvals.json"), root)).toThrow(
    "lies in the repository",
  );
});
