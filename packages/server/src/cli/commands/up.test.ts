import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MusterError } from "@muster/sdk/protocol";
import { expect, test } from "vitest";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import type { CliContext } from "../cli-context.ts";
import { runCli } from "../run-cli.ts";

/** A busy machine takes its time. */
const patient = { timeout: 10_000 };

type StartMuster = CliContext["startMuster"];

const starting = (adminKey: string | null, stop: () => Promise<void> = async () => undefined) =>
  (async () => ({ url: "http://127.0.0.1:6878", adminKey, stop })) as unknown as StartMuster;

async function upUntilCtrlC(argv: string[], startMuster: StartMuster) {
  const context = createFakeCliContext({ startMuster });
  const running = runCli(["up", ...argv], context);
  await expect.poll(() => context.stdout.text(), patient).not.toBe("");
  context.signal("SIGTERM");
  return { exitCode: await running, out: context.stdout.text(), err: context.stderr.text() };
}

test("prints where it is, the admin key on the first start, and stops gracefully", async () => {
  const first = await upUntilCtrlC([], starting("muster_admin"));
  expect(first).toMatchObject({ exitCode: 0, err: expect.stringMatching(/stopping.*stopped\n$/s) });
  expect(first.out).toContain("http://127.0.0.1:6878");
  expect(first.out).toContain("admin key: muster_admin");
  expect(first.out).toContain("shown this once");
  const second = await upUntilCtrlC([], starting(null));
  expect(second.out).not.toContain("admin key");
});

test("--json prints one line for programs", async () => {
  const { out } = await upUntilCtrlC(["--json"], starting("muster_admin"));
  expect(JSON.parse(out)).toEqual({ url: "http://127.0.0.1:6878", adminKey: "muster_admin" });
});

test("hands on its options", async () => {
  let given: Parameters<StartMuster>[0] | undefined;
  const startMuster: StartMuster = (options) => {
    given = options;
    return starting(null)(options);
  };
  await upUntilCtrlC(
    ["--port", "0", "--host", "0.0.0.0", "--data-dir", "/data", "--no-builtin-agents"],
    startMuster,
  );
  expect(given).toMatchObject({
    dataDir: "/data",
    listen: { host: "0.0.0.0", port: 0 },
    builtinAgents: false,
  });
});

test("a second signal leaves at once", async () => {
  const context = createFakeCliContext({ startMuster: starting(null, () => new Promise(() => undefined)) });
  void runCli(["up"], context);
  await expect.poll(() => context.stdout.text(), patient).not.toBe("");
  context.signal("SIGINT");
  await expect.poll(() => context.stderr.text(), patient).toContain("stopping");
  context.signal("SIGINT");
  expect(context.left).toEqual([130]);
});

test("a port in use is told with the way out", async () => {
  const startMuster = () => Promise.reject(Object.assign(new Error("listen"), { code: "EADDRINUSE" }));
  const context = createFakeCliContext({ startMuster });
  expect(await runCli(["up"], context)).toBe(1);
  expect(context.stderr.text()).toContain(
    "error: 127.0.0.1:6878 is in use by another program\nhint: Choose another",
  );
});

test("a store that a live server holds is told with its address", async () => {
  const folder = mkdtempSync(join(tmpdir(), "muster-cli-"));
  try {
    mkdirSync(join(folder, ".muster"));
    const file = { url: "http://127.0.0.1:7000", pid: 42, key: "k" };
    writeFileSync(join(folder, ".muster", "server.json"), JSON.stringify(file));
    const context = createFakeCliContext({
      cwd: folder,
      isProcessAlive: () => true,
      startMuster: () => Promise.reject(new MusterError("storage_locked", "locked")),
    });
    expect(await runCli(["up"], context)).toBe(1);
    expect(context.stderr.text()).toContain("http://127.0.0.1:7000 (process 42)");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("starts the agents in .claude here, and says what they lack", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "muster-up-"));
  mkdirSync(join(cwd, ".claude/agents"), { recursive: true });
  writeFileSync(
    join(cwd, ".claude/agents/a.md"),
    "---\nname: painter\ndescription: Paints.\n---\nYou paint.\n",
  );
  const aside: string[] = [];
  const startMuster = (async () => ({
    url: "http://127.0.0.1:6878",
    adminKey: null,
    agent: async ({ id }: { id: string }) => ({ id, stop: async () => undefined }),
    client: { agents: { setStatus: async (id: string, status: string) => aside.push(`${id} ${status}`) } },
    stop: async () => undefined,
  })) as unknown as StartMuster;
  const up = async (...argv: string[]) => {
    const context = createFakeCliContext({ startMuster, cwd });
    const running = runCli(["up", ...argv], context);
    await expect.poll(() => context.stdout.text(), patient).not.toBe("");
    context.signal("SIGTERM");
    await running;
    return context.stderr.text();
  };
  const err = await up();
  expect(err).toContain("agents of .claude: painter\n");
  expect(err).toContain("set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY and start again");
  expect(aside).toEqual(["claude-painter-without-model maintenance"]);
  expect(await up("--no-claude-agents")).not.toContain("painter");
  rmSync(cwd, { recursive: true });
});

test("a planner joins where there is a key, and nothing of models is loaded where there is none", async () => {
  const up = async (env: Record<string, string>) => {
    const joined: string[] = [];
    const startMuster = (async () => ({
      url: "http://127.0.0.1:6878",
      adminKey: null,
      agent: async ({ name }: { name: string }) => void joined.push(name),
      stop: async () => undefined,
    })) as unknown as StartMuster;
    const goals = async () => {
      joined.push("loaded");
      return import("../../goals.ts");
    };
    const context = createFakeCliContext({ startMuster, env, goals });
    const running = runCli(["up"], context);
    await expect.poll(() => context.stdout.text(), patient).not.toBe("");
    context.signal("SIGTERM");
    await running;
    return joined;
  };
  expect(await up({ MUSTER_API_KEY: "k" })).toEqual([]);
  expect(await up({ ANTHROPIC_API_KEY: "sk-ant-a-key-of-a-test" })).toEqual(["loaded", "planner"]);
});
