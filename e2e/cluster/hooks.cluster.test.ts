/**
 * Hooks of a repository with real processes: `muster up` with an agent whose model is scripted, commands and hooks in the
 * sandbox, approvals by `muster hooks`, and a process that is killed while a hook is under way.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, createClient } from "@muster/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AskedRequest } from "../../packages/runtime/src/test/providers/script.ts";
import {
  type ScriptedProviders,
  startProviders,
} from "../../packages/runtime/src/test/providers/start-providers.ts";
import {
  cleanUp,
  eventually,
  type RunningProcess,
  startProcess,
  temporaryFolder,
  waitForOutput,
} from "../support/processes.ts";
import { binary } from "../support/server-process.ts";

let providers: ScriptedProviders;
beforeAll(async () => {
  providers = await startProviders({ script: [] });
});
afterAll(async () => {
  await providers?.close();
  await cleanUp();
});

/** Notes each call that it is asked about, and refuses those that push. */
const guard = `#!/bin/bash
call=$(cat)
echo "$call" | grep -o '"tool_use_id":"[^"]*"' >> asked.txt
case "$call" in *push*) echo "nobody pushes on Fridays" >&2; exit 2;; esac
`;
/** Waits until it may go on, and says something of the result. */
const lint = `#!/bin/bash
echo begun >> linted.txt
while [ ! -e go.txt ]; do sleep 0.05; done
echo '{"hookSpecificOutput": {"hookEventName": "PostToolUse", "additionalContext": "the linter found line 3"}}'
`;

function project() {
  const folder = temporaryFolder();
  const home = join(temporaryFolder(), "home");
  for (const path of [home, join(folder, ".claude/agents"), join(folder, "tools")])
    mkdirSync(path, { recursive: true });
  const write = (path: string, text: string): void => {
    writeFileSync(join(folder, path), text);
    chmodSync(join(folder, path), 0o755);
  };
  write(
    ".claude/agents/mechanic.md",
    "---\nname: mechanic\ndescription: Mends.\ntools: Bash\n---\nYou mend.\n",
  );
  write("tools/guard.sh", guard);
  write("tools/lint.sh", lint);
  const hook = (command: string) => [{ matcher: "Bash", hooks: [{ type: "command", command }] }];
  write(
    ".claude/settings.json",
    JSON.stringify({
      hooks: {
        PreToolUse: hook('"$CLAUDE_PROJECT_DIR"/tools/guard.sh'),
        PostToolUse: hook("tools/lint.sh"),
      },
    }),
  );
  const provider = { name: "anthropic", kind: "anthropic", baseURL: providers.baseURL("anthropic") };
  write("muster.yaml", JSON.stringify({ models: { providers: [provider] } }));
  const read = (path: string): string[] =>
    existsSync(join(folder, path)) ? readFileSync(join(folder, path), "utf8").trim().split("\n") : [];
  const data = join(temporaryFolder(), "data");
  const muster = (...argv: string[]): RunningProcess =>
    startProcess(process.execPath, [binary, ...argv], {
      cwd: folder,
      env: { HOME: home, ANTHROPIC_API_KEY: "sk-ant-a-key-of-a-test" },
    });
  const up = async (
    adminKey?: string,
  ): Promise<{ process: RunningProcess; client: Client; adminKey: string }> => {
    const args = [
      "--json",
      "--port",
      "0",
      "--data-dir",
      data,
      "--config",
      "muster.yaml",
      "--no-builtin-agents",
    ];
    const process = muster("up", ...args);
    const [line] = await waitForOutput(process, /^\{.*\}$/m);
    const said = JSON.parse(line) as { url: string; adminKey: string | null };
    const apiKey = said.adminKey ?? adminKey ?? "";
    return { process, client: createClient({ url: said.url, apiKey }), adminKey: apiKey };
  };
  return { write, read, muster, up };
}

const bash = (command: string) => ({ toolCalls: [{ name: "Bash", input: { command } }] });
const tell = ({ messages }: AskedRequest) => ({ text: messages.at(-1)?.results[0]?.content ?? "nothing" });

test("hooks refuse and speak after approval alone, and what they decided outlives the process", {
  timeout: 240_000,
}, async () => {
  const { write, read, muster, up } = project();
  providers.play([
    {
      when: { system: "You mend.", user: "without" },
      turns: [bash("echo push"), tell],
    },
    {
      when: { system: "You mend.", user: "with" },
      turns: [bash("echo push >> pushed.txt"), bash("echo mended >> wheel.txt; echo well done"), tell],
    },
  ]);
  const first = await up();
  expect(first.process.err()).toMatch(/hook PreToolUse\(Bash\) .* is NOT run, since nobody approved it/);
  const submit = async (client: Client, input: string): Promise<string> => {
    const [task] = await client.tasks.submit([{ capability: "mechanic", input, retry: { delayMs: 1 } }]);
    return task!.id;
  };
  const plain = await first.client.tasks.wait(await submit(first.client, "without"), { timeoutMs: 60_000 });
  expect(plain).toMatchObject({ status: "completed", output: "push" });
  expect([read("asked.txt"), read("linted.txt")]).toEqual([[], []]);

  const approved = await muster("hooks", "approve", "--all").ended;
  expect(approved).toMatchObject({ exitCode: 0, out: expect.stringContaining("tools/guard.sh") });
  await eventually("it says so", () =>
    /hooks of \.claude that run, as they were approved: 2/.test(first.process.err()),
  );
  const id = await submit(first.client, "with");
  await eventually("the second call was made and is looked at", () => read("linted.txt").length === 1);
  expect([read("pushed.txt"), read("wheel.txt")]).toEqual([[], ["mended"]]);
  await first.process.end("SIGKILL");

  write("go.txt", "");
  const second = await up(first.adminKey);
  const task = await second.client.tasks.wait(id, { timeoutMs: 120_000 });
  expect(task).toMatchObject({
    status: "completed",
    output: expect.stringMatching(/^well done[\s\S]*line 3/),
  });
  expect(JSON.stringify(providers.requests.at(-1)?.messages)).toContain("nobody pushes on Fridays");
  // Each call was asked about once and made once; what was under way when the process died ran again.
  expect(read("asked.txt")).toEqual([0, 1].map((turn) => `"tool_use_id":"${id}_loop_${turn + 1}_0"`));
  expect([read("pushed.txt"), read("wheel.txt"), read("linted.txt")]).toEqual([
    [],
    ["mended"],
    ["begun", "begun"],
  ]);

  // A script that becomes another one is not run, and the calls that it guarded are refused.
  write("tools/guard.sh", "#!/bin/bash\nexit 0\n");
  providers.play([
    { when: { system: "You mend.", user: "later" }, turns: [bash("echo x > later.txt"), tell] },
  ]);
  const later = await second.client.tasks.wait(await submit(second.client, "later"), { timeoutMs: 60_000 });
  expect(later).toMatchObject({ output: expect.stringContaining("has changed since a person approved it") });
  expect([read("later.txt"), read("asked.txt").length]).toEqual([[], 2]);
  expect(await second.process.end("SIGTERM")).toMatchObject({ exitCode: 0 });
});
