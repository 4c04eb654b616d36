import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { openShell } from "../../tools/shell/open-shell.ts";
import { temporaryFolder } from "../../tools/test/bench.ts";
import { hookBench } from "./test/hook-bench.ts";

const { PATH } = process.env;
const env = { PATH, OPENAI_API_KEY: "very-secret-value", HOME: "/home/me" };
/** The shell of a machine without bubblewrap, as the configuration allowed it. */
const shell = openShell({ env, bubblewrap: null, allowUnsandboxed: true });
const { signal } = new AbortController();
const call = { id: "call-1", name: "Write", input: { file_path: "a/b.txt", content: "x" } };
const before = { event: "PreToolUse", call } as const;
const after = { event: "PostToolUse", call, outcome: { content: "written" } } as const;

test("what nobody approved is not run, whoever asks and however often, and the log says so once", async () => {
  const { name, open, logs, root } = hookBench(shell);
  name([{ command: "touch ran" }, { command: "touch ran", event: "PostToolUse" }]);
  const hooks = open();
  for (let time = 0; time < 2; time++) {
    expect(await hooks.wants("PreToolUse", "Write")).toBe(false);
    expect(await hooks.run(before, signal)).toEqual({});
    expect(await hooks.run(after, signal)).toEqual({});
  }
  expect(existsSync(join(root, "ran"))).toBe(false);
  expect(logs).toEqual([
    expect.stringMatching(
      /^The hook PreToolUse of .claude\/settings.json was not run, since nobody approved it/,
    ),
    expect.stringMatching(/^The hook PostToolUse/),
  ]);
});

test("an approved hook gets what is documented on its standard input, and no secret", async () => {
  const { name, open, approve, root } = hookBench(shell);
  name([
    { command: 'cat > in.json; pwd > where; echo "$CLAUDE_PROJECT_DIR" >> where; env > env.txt; id -u' },
  ]);
  await approve();
  const hooks = open();
  expect(await hooks.wants("PreToolUse", "Write")).toBe(true);
  expect(await hooks.wants("PostToolUse", "Write")).toBe(false);
  expect(await hooks.run(before, signal)).toEqual({});
  const read = (path: string): string => readFileSync(join(root, path), "utf8");
  expect(JSON.parse(read("in.json"))).toEqual({
    session_id: "task-1",
    transcript_path: "",
    cwd: root,
    permission_mode: "default",
    hook_event_name: "PreToolUse",
    agent_id: "claude-clerk",
    agent_type: "clerk",
    tool_name: "Write",
    tool_input: { file_path: join(root, "a/b.txt"), content: "x" },
    tool_use_id: "call-1",
  });
  expect(read("where")).toBe(`${root}\n${root}\n`);
  expect(read("env.txt")).not.toMatch(/very-secret-value|home\/me/);
});

test("each event has its own fields", async () => {
  const { name, open, approve, root } = hookBench(shell);
  const events = [
    "PostToolUse",
    "PostToolUseFailure",
    "SessionStart",
    "UserPromptSubmit",
    "Stop",
    "SubagentStop",
    "PreCompact",
    "Notification",
  ] as const;
  name(events.map((event) => ({ event, command: `cat > ${event}.json` })));
  await approve();
  const hooks = open();
  await hooks.run(after, signal);
  await hooks.run({ ...after, event: "PostToolUseFailure" }, signal);
  await hooks.run({ event: "SessionStart" }, signal);
  await hooks.run({ event: "UserPromptSubmit", prompt: "Mend it." }, signal);
  await hooks.run({ event: "Stop", isActive: true, text: "Done." }, signal);
  await hooks.run({ event: "SubagentStop", isActive: false, text: "Done." }, signal);
  await hooks.run({ event: "PreCompact" }, signal);
  await hooks.run({ event: "Notification", message: "May I?" }, signal);
  const read = (event: string): unknown => JSON.parse(readFileSync(join(root, `${event}.json`), "utf8"));
  expect(events.map(read)).toMatchObject([
    { tool_response: { content: "written" } },
    { error: "written", is_interrupt: false },
    { source: "startup" },
    { prompt: "Mend it." },
    { stop_hook_active: true, last_assistant_message: "Done." },
    { stop_hook_active: false, agent_type: "clerk" },
    { trigger: "auto" },
    { notification_type: "permission_prompt", message: "May I?" },
  ]);
});

test("a script that was changed is not run, and the calls that it guarded are refused until it is approved again", async () => {
  const { name, open, approve, write, root, logs } = hookBench(shell);
  write("check.sh", "touch first; echo no >&2; exit 2\n");
  name([{ command: "sh check.sh" }, { command: "sh check.sh", event: "PostToolUse" }]);
  await approve();
  expect(await open().run(before, signal)).toEqual({ refusal: "no" });
  write("check.sh", "touch second; exit 0\n");
  const hooks = open();
  expect(await hooks.wants("PreToolUse", "Write")).toBe(true);
  expect(await hooks.run(before, signal)).toEqual({ refusal: expect.stringContaining("has changed since") });
  expect(await hooks.wants("PostToolUse", "Write")).toBe(false);
  expect(await hooks.run(after, signal)).toEqual({});
  expect(logs.join("\n")).toContain("is another than a person approved");
  await approve();
  expect(await hooks.run(before, signal)).toEqual({});
  expect([existsSync(join(root, "first")), existsSync(join(root, "second"))]).toEqual([true, true]);
});

test("a hook can't approve itself or another", async () => {
  const { name, open, approve, write } = hookBench(shell);
  write("check.sh", 'sed -i "s/exit 2/exit 0/" check.sh; exit 2\n');
  name([{ command: "sh check.sh" }]);
  await approve();
  expect(await open().run(before, signal)).toEqual({ refusal: "it gives no reason" });
  expect((await open().run(before, signal)).refusal).toContain("has changed since");
});

test("without a shell an approved guard refuses, and the others are not run", async () => {
  const { name, open, approve, logs } = hookBench("bubblewrap is not installed.");
  name([{ command: "true" }, { command: "true", event: "PostToolUse" }]);
  expect(await open().run(before, signal)).toEqual({});
  await approve();
  const hooks = open();
  expect(await hooks.wants("PreToolUse", "Write")).toBe(true);
  expect((await hooks.run(before, signal)).refusal).toContain("can't be run: bubblewrap is not installed.");
  expect(await hooks.run(after, signal)).toEqual({});
  expect(logs.at(-1)).toContain("were not run: bubblewrap");
});

test("hooks that fail, hang, flood or print nonsense harm nobody, and the log says what they did", async () => {
  // Other tests' hooks have copies of their own in the common place.
  const own = temporaryFolder();
  vi.stubEnv("TMPDIR", own);
  const { name, open, approve, logs } = hookBench(shell);
  name([
    { command: "exit 1" },
    { command: "sleep 600", timeoutMs: 200 },
    { command: "yes" },
    { command: "echo '{broken'" },
    { command: "no-such-program" },
    { command: "exec <&-; echo fine" },
    { command: "kill -9 $$" },
  ]);
  await approve();
  expect(await open().run(before, signal)).toEqual({});
  const said = logs.join("\n");
  for (const fault of [
    "ended with 1",
    "longer than 200 ms",
    "more than 1048576 bytes",
    "does not parse",
    "ended with 127",
    "SIGKILL",
  ])
    expect(said).toContain(fault);
  expect(logs).toHaveLength(6);
  expect(readdirSync(own).filter((path) => path.startsWith("muster-hook-"))).toEqual([]);
});

test("hooks run side by side, the same command once, and the strictest answer counts", async () => {
  const { name, open, approve, root } = hookBench(shell);
  // Each waits until the other has begun.
  const meet = (own: string, other: string) =>
    `touch ${own}; for n in $(seq 400); do test -e ${other} && break; sleep 0.05; done; test -e ${other}`;
  name([
    { command: `${meet("one", "two")} && echo '{"decision":"block","reason":"met"}'` },
    { command: `${meet("two", "one")}` },
    { command: "echo ran >> times" },
    { command: "echo ran >> times", timeoutMs: 10_000 },
  ]);
  await approve();
  expect(await open().run(before, signal)).toEqual({ refusal: "met" });
  expect(readFileSync(join(root, "times"), "utf8")).toBe("ran\n");
});

test("hooks are asked of what they match, and what they say is freed of secrets", async () => {
  const { name, open, approve } = hookBench(shell, { values: ["a-secret-of-the-shop"] });
  name([
    { command: "echo a-secret-of-the-shop >&2; exit 2", matcher: "Bash" },
    { command: "echo not you >&2; exit 2", event: "SubagentStop", matcher: "painter" },
    { command: "echo you >&2; exit 2", event: "SubagentStop", matcher: "clerk" },
    { command: "echo started", event: "SessionStart", matcher: "resume" },
  ]);
  await approve();
  const hooks = open();
  expect(await hooks.wants("PreToolUse", "Write")).toBe(false);
  expect(await hooks.wants("SessionStart")).toBe(false);
  const bash = { event: "PreToolUse", call: { id: "1", name: "Bash", input: {} } } as const;
  expect(await hooks.run(bash, signal)).toEqual({ refusal: "[secret removed]" });
  expect(await hooks.run({ event: "SubagentStop", isActive: false, text: "" }, signal)).toEqual({
    refusal: "you",
  });
});

test("a stop stops the hooks as well", async () => {
  const { name, open, approve } = hookBench(shell);
  name([{ command: "sleep 600" }]);
  await approve();
  const stop = new AbortController();
  const running = open().run(before, stop.signal);
  setTimeout(() => stop.abort(new Error("lost")), 200);
  await expect(running).rejects.toThrow("lost");
});

test("in a working copy the script of the copy is compared, and no other is run", async () => {
  const { name, open, approve, write } = hookBench(shell);
  write("check.sh", "echo copy >&2; exit 2\n");
  name([{ command: '"$CLAUDE_PROJECT_DIR"/check.sh' }, { command: "sh check.sh" }]);
  await approve();
  const copy = temporaryFolder();
  writeFileSync(join(copy, "check.sh"), "echo copy >&2; exit 2\n", { mode: 0o755 });
  expect(await open(copy).run(before, signal)).toEqual({ refusal: "copy" });
  writeFileSync(join(copy, "check.sh"), "exit 0\n");
  expect((await open(copy).run(before, signal)).refusal).toContain("has changed since");
});

test("where nobody can read what was approved, guards refuse and nothing is run", async () => {
  const { name, open, approve, root } = hookBench(shell);
  name([{ command: "touch ran" }, { command: "touch ran", event: "PostToolUse" }]);
  await approve();
  writeFileSync(join(root, "../home/approvals.json"), "{broken");
  const hooks = open();
  expect(await hooks.wants("PreToolUse", "Write")).toBe(true);
  expect((await hooks.run(before, signal)).refusal).toContain("has changed since");
  expect(await hooks.run(after, signal)).toEqual({});
  expect(existsSync(join(root, "ran"))).toBe(false);
});
