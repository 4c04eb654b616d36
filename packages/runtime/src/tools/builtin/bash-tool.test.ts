import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openShell, type ShellOptions } from "../shell/open-shell.ts";
import { benchOf, temporaryFolder } from "../test/bench.ts";
import { createBashTool } from "./bash-tool.ts";

const { PATH } = process.env;

/** The shell of a machine without bubblewrap, as the configuration allowed it. */
const bench = (options: Partial<ShellOptions> = {}) => {
  const workspace = temporaryFolder();
  const shell = openShell({ env: { PATH }, bubblewrap: null, allowUnsandboxed: true, ...options });
  const { call } = benchOf([createBashTool(shell)], {}, { workspace });
  return {
    workspace,
    shell,
    bash: (command: string, more: object = {}, signal?: AbortSignal) =>
      call("Bash", { command, ...more }, signal),
  };
};

const written = (file: string) =>
  expect.poll(() => existsSync(file) && readFileSync(file, "utf8")).toMatch(/\S/);

/** Whether a process runs; one that ended and was not collected does not. */
const runs = (pid: string): boolean => {
  try {
    process.kill(Number(pid), 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

it("refuses to run without a sandbox, unless that is allowed, and says what to do", () => {
  expect(() => openShell({ env: { PATH }, bubblewrap: null })).toThrow("bubblewrap (bwrap) is not installed");
  expect(() => openShell({ env: { PATH }, bubblewrap: "/bin/false" })).toThrow("does not work here");
});

it("says loudly that there is no sandbox, to people and to the model", () => {
  const { shell } = bench();
  expect(shell.kind).toBe("unsandboxed");
  expect(shell.warning).toContain("WITHOUT A SANDBOX");
  expect(createBashTool(shell).description).toContain("WITHOUT A SANDBOX");
});

it("runs a command in the workspace and answers both streams in order, and how it ended", async () => {
  const { workspace, bash } = bench();
  expect(await bash("pwd; echo out; echo err >&2; echo again")).toEqual({
    content: `${workspace}\nout\nerr\nagain`,
  });
  expect(await bash("echo so; exit 3")).toEqual({ content: "Exit code 3.\nso", isError: true });
  expect(await bash("true")).toEqual({ content: "It wrote nothing." });
  expect(await bash("kill -9 $$")).toMatchObject({ content: "It was ended by SIGKILL.", isError: true });
  expect(await bash("[[ a == a ]] && a=(1 2) && echo ${a[1]}")).toEqual({ content: "2" });
});

it("gives a command nothing of this process's environment but what is named", async () => {
  const env = { PATH, LANG: "C.UTF-8", OPENAI_API_KEY: "very-secret-value", HOME: "/home/me", FOO: "named" };
  const { bash } = bench({ env, passEnv: ["FOO"] });
  const { content } = await bash("env");
  expect(content).not.toContain("very-secret-value");
  expect(content).not.toContain("/home/me");
  expect(content).toContain("FOO=named");
  expect(content).toContain("LANG=C.UTF-8");
});

it("ends a command that takes too long, and shows what it wrote until then", async () => {
  const { bash } = bench();
  const outcome = await bash("echo begun; sleep 300", { timeout: 3_000 });
  expect(outcome.isError).toBe(true);
  expect(outcome.content).toBe("It took longer than 3000 ms and was ended.\nbegun");
});

it("ends one that does not listen, with all that it started", async () => {
  const { workspace, bash } = bench({ limits: { graceMs: 50 } });
  const stop = new AbortController();
  const script =
    "trap '' TERM; (trap '' TERM; exec sleep 300) & echo $! > child; echo $$ > pid; while true; do sleep 300; done";
  const call = bash(script, {}, stop.signal);
  await written(join(workspace, "pid"));
  stop.abort(new Error("cancelled"));
  await expect(call).rejects.toThrow("cancelled");
  for (const file of ["pid", "child"]) {
    const pid = readFileSync(join(workspace, file), "utf8").trim();
    await expect.poll(() => runs(pid)).toBe(false);
  }
});

it("lets one that listens clean up", async () => {
  const { workspace, bash } = bench({ limits: { graceMs: 20_000 } });
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

it("leaves nothing running that a command left behind, even in a session of its own", async () => {
  const { workspace, bash } = bench();
  await bash("setsid sleep 300 > /dev/null 2>&1 & echo $! > child; true");
  const pid = readFileSync(join(workspace, "child"), "utf8").trim();
  await expect.poll(() => runs(pid)).toBe(false);
});

it("ends a flood of output, and keeps its beginning and its end", async () => {
  const { bash } = bench({ limits: { outputBytes: 1_000_000 } });
  const flood = await bash("echo first; yes");
  expect(flood.content).toMatch(/^It wrote more than 1000000 bytes and was ended\.\nfirst\ny/);
  expect(flood.content.length).toBeLessThan(31_000);
  const long = await bash("echo first; seq 100000; echo last");
  expect(long.content).toMatch(/^first\n1\n.*were left out.*\n100000\nlast$/s);
  expect(long.isError).toBeUndefined();
});

it("ends a fork bomb", async () => {
  const { bash } = bench({ limits: { processes: 40, graceMs: 50 } });
  const outcome = await bash("bomb() { bomb | bomb & }; bomb; sleep 300", { timeout: 20_000 });
  expect(outcome.isError).toBe(true);
  // Whichever limit it met first: the kernel refuses more processes, or the warden ends it.
  expect(outcome.content).toMatch(/more than 40 processes|Resource temporarily unavailable|retry/);
});

it("limits memory, processor time and the size of files", async () => {
  const mebibyte = 1024 * 1024;
  const { bash } = bench({ limits: { memoryBytes: 200 * mebibyte, cpuSeconds: 1, fileBytes: mebibyte } });
  const grab = `node -e 'const a = []; for (;;) a.push(Buffer.alloc(10 * 1024 * 1024, 1))'`;
  expect(await bash(grab, { timeout: 20_000 })).toMatchObject({ isError: true });
  expect(await bash("while true; do :; done", { timeout: 20_000 })).toMatchObject({ isError: true });
  expect(await bash("head -c 3000000 /dev/zero > large", { timeout: 20_000 })).toMatchObject({
    isError: true,
  });
});

it("takes away again what only a person may make", async () => {
  const { workspace, bash } = bench();
  writeFileSync(join(workspace, "muster.yaml"), "mine");
  mkdirSync(join(workspace, ".claude/hooks"), { recursive: true });
  const outcome = await bash(
    "mkdir -p .claude/agents; echo x > .claude/agents/x.md; echo '{}' > .mcp.json; echo ok > ok",
  );
  expect(outcome.content).toContain("only a person may make it: .mcp.json, .claude/agents.");
  expect(existsSync(join(workspace, ".claude/agents"))).toBe(false);
  expect(existsSync(join(workspace, "ok"))).toBe(true);
  expect(readFileSync(join(workspace, "muster.yaml"), "utf8")).toBe("mine");
});
