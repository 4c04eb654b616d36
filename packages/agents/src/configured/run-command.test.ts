import { setTimeout as pause } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { createWorkbench } from "../test/task-context.ts";
import { removeFolders, temporaryFolder } from "../test/temporary-folder.ts";
import type { CommandAgent } from "./configured-agent.ts";
import { createConfiguredAgent } from "./create-configured-agent.ts";

afterAll(removeFolders);

const node = process.execPath;
const env = { PATH: process.env.PATH, SECRET: "hidden", TOKEN: "shown" };

async function run(
  agent: Partial<CommandAgent>,
  input: unknown = {},
  { folder, signal }: { folder?: string; signal?: AbortSignal } = {},
) {
  const definition = createConfiguredAgent(
    { kind: "command", name: "old", capabilities: ["work"], ...agent } as CommandAgent,
    { folder: folder ?? (await temporaryFolder()), env },
  );
  // A workbench checks schemas, and a configured agent need not have any.
  for (const capability of definition.capabilities)
    Object.assign(capability, { inputSchema: {}, outputSchema: {} });
  return createWorkbench([definition], signal === undefined ? {} : { signal }).run<unknown>("work", input);
}

const script = (source: string): string[] => [node, "-e", source];
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe("a command as an agent", () => {
  it("gets the input as JSON and gives its output as JSON", async () => {
    const echo = script(
      "process.stdin.on('data', d => process.stdout.write(JSON.stringify({ got: JSON.parse(d) })))",
    );
    expect(await run({ command: echo }, { a: ["ü", 1] })).toEqual({ got: { a: ["ü", 1] } });
    expect(await run({ command: script("console.log('plain')"), output: "text" })).toEqual({
      text: "plain\n",
    });
    expect(await run({ command: script("") })).toBeNull();
  });

  it("gets the variables on the list and no other", async () => {
    const command = script("console.log(JSON.stringify(process.env))");
    const seen = (await run({ command, passEnv: ["TOKEN"], env: { MODE: "old" } })) as Record<string, string>;
    expect(seen).toMatchObject({
      TOKEN: "shown",
      MODE: "old",
      MUSTER_CAPABILITY: "work",
      MUSTER_ATTEMPT: "1",
    });
    expect(seen.SECRET).toBeUndefined();
    expect(seen.PATH).toBe(env.PATH);
  });

  it("uses no shell unless it is given a line for one", async () => {
    const words = [node, "-e", "console.log(JSON.stringify(process.argv[1]))", "$(id); `id` && $TOKEN"];
    expect(await run({ command: words })).toBe("$(id); `id` && $TOKEN");
    expect(await run({ shell: "echo $((6 * 7))" })).toBe(42);
  });

  it("fails with what the command says, and how it ended", async () => {
    await expect(run({ shell: "echo broken >&2; exit 3" })).rejects.toMatchObject({
      code: "command_failed",
      message: "The command exited with 3: broken",
    });
    await expect(run({ shell: "exit 75" })).rejects.toMatchObject({ retryable: true });
    await expect(run({ shell: "exit 65" })).rejects.toMatchObject({ retryable: false });
    const said = '{"error":{"code":"busy","message":"later","retryable":true,"retryAfterMs":500}}';
    await expect(run({ shell: `echo '${said}'; exit 1` })).rejects.toMatchObject({
      code: "busy",
      message: "later",
      retryAfterMs: 500,
    });
    await expect(run({ shell: "echo {" })).rejects.toMatchObject({ code: "invalid_output" });
    await expect(run({ command: ["/nowhere/tool"] })).rejects.toMatchObject({
      code: "not_started",
      retryable: false,
    });
  });

  it("is ended when it writes too much or takes too long, with all that it started", async () => {
    const loud = script("for (;;) process.stdout.write('x'.repeat(65536))");
    await expect(run({ command: loud, maxOutputBytes: 1_000 })).rejects.toMatchObject({
      code: "output_too_large",
    });
    const folder = await temporaryFolder();
    const slow = { shell: "sleep 60 & echo $! > child; wait", timeoutMs: 300 };
    await expect(run(slow, {}, { folder })).rejects.toMatchObject({ code: "timeout" });
    const { readFileSync } = await import("node:fs");
    const child = Number(readFileSync(`${folder}/child`, "utf8"));
    await expect.poll(() => isAlive(child)).toBe(false);
  });

  it("is killed when it does not listen, and when its task is cancelled", async () => {
    const controller = new AbortController();
    const deaf = script("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)");
    const running = run({ command: deaf }, {}, { signal: controller.signal });
    await pause(300);
    controller.abort(new Error("cancelled"));
    await expect(running).rejects.toThrow("cancelled");
  });

  it("leaves nothing running behind when it ends well", async () => {
    const pid = (await run({ shell: "sleep 60 & echo $!" })) as number;
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  it("need not read its input", async () => {
    expect(await run({ shell: "echo 1" }, { text: "x".repeat(500_000) })).toBe(1);
  });
});
