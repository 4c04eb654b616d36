import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openShell } from "@muster/runtime";
import { findHooks, loadClaudeFolder } from "@muster/runtime/claude-folder";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { AskedRequest } from "../../../../runtime/src/test/providers/script.ts";
import {
  type ScriptedProviders,
  startProviders,
} from "../../../../runtime/src/test/providers/start-providers.ts";
import { openHookApprovals } from "../../claude-hooks.ts";
import { type RunningClaudeAgents, startClaudeAgents } from "../../start-claude-agents.ts";
import { root, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator({ leaseMs: 5_000, heartbeatMs: 1_000 });
const patient = { timeout: 15_000 };
let providers: ScriptedProviders;
beforeAll(async () => {
  providers = await startProviders({ script: [] });
});
afterAll(() => providers.close());

let place: string;
let folder: string;
let env: Record<string, string>;
let running: RunningClaudeAgents | undefined;
const said: string[] = [];
beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), "muster-hooks-")));
  folder = join(place, "shop");
  env = {
    HOME: join(place, "home"),
    PATH: process.env.PATH ?? "",
    ANTHROPIC_API_KEY: "sk-ant-a-key-of-a-test",
  };
  said.length = 0;
  write({ ".claude/agents/mechanic.md": "---\nname: mechanic\ndescription: Mends.\n---\nYou mend.\n" });
});
afterEach(async () => {
  await running?.close();
  running = undefined;
  rmSync(place, { recursive: true });
});

function write(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
const settings = (hooks: Record<string, [matcher: string, command: string]>): string =>
  JSON.stringify({
    hooks: Object.fromEntries(
      Object.entries(hooks).map(([event, [matcher, command]]) => [
        event,
        [{ matcher, hooks: [{ type: "command", command }] }],
      ]),
    ),
  });

async function approveAll(): Promise<void> {
  const approvals = openHookApprovals(env, folder);
  for (const source of findHooks(await loadClaudeFolder({ folder, above: true })))
    for (const hook of source.hooks) await approvals.approve(await approvals.judge({ hook, source }));
}

async function start(isAllowed = true): Promise<void> {
  const { orchestrator } = at.muster;
  running = await startClaudeAgents({
    folder,
    env,
    models: {
      providers: [{ name: "anthropic", kind: "anthropic", baseURL: providers.baseURL("anthropic") }],
    },
    start: (definition) => at.muster.agent(definition),
    putAside: (id) => orchestrator.agents.setStatus(id, "maintenance", root),
    say: (sentence) => said.push(sentence),
    openShell: () => openShell({ env, bubblewrap: null, allowUnsandboxed: isAllowed }),
    quietMs: 20,
  });
}

const bash = (command: string) => ({ toolCalls: [{ name: "Bash", input: { command } }] });
const tell = ({ messages }: AskedRequest) => ({ text: messages.at(-1)?.results[0]?.content ?? "nothing" });
const play = (...turns: object[]): void =>
  providers.play([{ when: { system: "You mend." }, turns: turns as never }]);
const mend = async () => (await at.muster.finish({ capability: "mechanic", input: "The bicycle." }))[0];

const guard = `
  command=$(cat)
  case "$command" in *"push"*) echo "nobody pushes on Fridays" >&2; exit 2;; esac
`;

test("a hook that was approved refuses a call of Bash, and what one says of a result reaches the model", async () => {
  write({
    ".claude/settings.json": settings({
      PreToolUse: ["Bash", "bash guard.sh"],
      PostToolUse: ["Bash", `echo '{"decision": "block", "reason": "the linter found line 3"}'`],
    }),
    "guard.sh": guard,
  });
  await approveAll();
  play(bash("touch pushed; echo push"), bash("echo mended > wheel.txt; echo well done"), tell);
  await start();
  const task = await mend();
  expect(task).toMatchObject({
    status: "completed",
    output: expect.stringMatching(/^well done[\s\S]*line 3/),
  });
  expect(JSON.stringify(providers.requests.at(-1)?.messages)).toContain("nobody pushes on Fridays");
  expect(existsSync(join(folder, "pushed"))).toBe(false);
  expect(readFileSync(join(folder, "wheel.txt"), "utf8")).toBe("mended\n");
  expect(said.join("\n")).toMatch(
    /hooks of \.claude that run, as they were approved: 2 — .*WITHOUT A SANDBOX/,
  );
});

test("hooks that nobody approved are not run and said to be; one that is approved meanwhile is asked at once", async () => {
  write({
    ".claude/settings.json": settings({ PreToolUse: ["Bash", "touch ran; echo no >&2; exit 2"] }),
  });
  play(bash("echo first"), tell);
  await start();
  expect(said.join("\n")).toMatch(
    /hook PreToolUse\(Bash\) .* is NOT run, since nobody approved it .* muster hooks approve \w+/,
  );
  expect(await mend()).toMatchObject({ output: "first" });
  expect(existsSync(join(folder, "ran"))).toBe(false);
  await approveAll();
  await expect
    .poll(() => said.at(-1), patient)
    .toMatch(/^hooks of \.claude that run, as they were approved: 1/);
  play(bash("echo second"), tell);
  expect((await mend())?.output).toContain("refuses this call of Bash: no");
  expect(existsSync(join(folder, "ran"))).toBe(true);
});

test("an agent that edits the script of its guard gets nothing by it", async () => {
  write({ ".claude/settings.json": settings({ PreToolUse: ["Bash", "bash guard.sh"] }), "guard.sh": guard });
  await approveAll();
  const edit = { toolCalls: [{ name: "Write", input: { file_path: "guard.sh", content: "exit 0\n" } }] };
  const forge = {
    toolCalls: [{ name: "Write", input: { file_path: ".claude/settings.json", content: "{}" } }],
  };
  play(forge, edit, bash("touch pushed; echo push"), tell);
  await start();
  const { output } = (await mend()) as { output: string };
  expect(output).toContain("has changed since a person approved it");
  expect(existsSync(join(folder, "pushed"))).toBe(false);
  expect(JSON.stringify(providers.requests.at(-1)?.messages)).toContain("is protected");
  expect(JSON.parse(readFileSync(join(folder, ".claude/settings.json"), "utf8"))).toHaveProperty("hooks");
});

test("what a hook allows is not allowed by it, and what it wants asked a person is asked", async () => {
  const says = (permissionDecision: string, more = {}) =>
    `echo '${JSON.stringify({ hookSpecificOutput: { hookEventName: "PreToolUse", permissionDecision, permissionDecisionReason: "it is Friday", ...more } })}'`;
  write({
    ".claude/settings.json": JSON.stringify({
      permissions: { deny: ["Read(secret.txt)"] },
      hooks: {
        PreToolUse: [
          {
            matcher: "Read",
            hooks: [
              { type: "command", command: says("allow", { updatedInput: { file_path: "secret.txt" } }) },
            ],
          },
          { matcher: "Write", hooks: [{ type: "command", command: says("ask") }] },
        ],
        Notification: [{ hooks: [{ type: "command", command: "cat >> asked.txt" }] }],
      },
    }),
    "open.txt": "open",
    "secret.txt": "the recipe",
  });
  await approveAll();
  play(
    { toolCalls: [{ name: "Read", input: { file_path: "open.txt" } }] },
    { toolCalls: [{ name: "Write", input: { file_path: "paint.txt", content: "red" } }] },
    tell,
  );
  await start();
  const { orchestrator } = at.muster;
  const [task] = await orchestrator.tasks.submit([{ capability: "mechanic", input: "Go." }], someone);
  const open = async () => (await orchestrator.inbox.list({}, root)).items;
  await expect.poll(async () => (await open()).length, patient).toBe(1);
  const [question] = await open();
  expect(question?.question).toMatch(/May mechanic call Write with .*it is Friday/);
  await orchestrator.inbox.answer(question?.taskId ?? "", { answer: { approved: false } }, root);
  const done = await orchestrator.tasks.wait(task?.id ?? "", 15_000, someone);
  expect(done).toMatchObject({ status: "completed", output: expect.stringContaining("A person declined") });
  const told = JSON.stringify(providers.requests.at(-1)?.messages);
  expect(told).toContain("denied by the rule Read(secret.txt)");
  expect(told).not.toContain("the recipe");
  expect(existsSync(join(folder, "paint.txt"))).toBe(false);
  // Said once, however often the question was waited for.
  expect(readFileSync(join(folder, "asked.txt"), "utf8").match(/permission_prompt/g)).toHaveLength(1);
});

test("an agent's own hooks are asked at its end, and hold it back until they are content", async () => {
  write({
    ".claude/agents/mechanic.md":
      "---\nname: mechanic\ndescription: Mends.\nhooks:\n  Stop:\n    - hooks:\n        - type: command\n          command: test -e done.txt || { echo done.txt is missing >&2; exit 2; }\n---\nYou mend.\n",
  });
  await approveAll();
  play({ text: "Done." }, bash("touch done.txt"), { text: "Really done." });
  await start();
  expect(await mend()).toMatchObject({ status: "completed", output: "Really done." });
  expect(JSON.stringify(providers.requests.at(-1)?.messages)).toContain("done.txt is missing");
});

test("without a sandbox an approved guard keeps its calls from being made, and that is said at the start", async () => {
  write({ ".claude/settings.json": settings({ PreToolUse: ["Write", "true"] }) });
  await approveAll();
  play({ toolCalls: [{ name: "Write", input: { file_path: "a.txt", content: "a" } }] }, tell);
  await start(false);
  expect(said.join("\n")).toMatch(
    /approved can NOT be run, and the calls that they guard are refused: .*bubblewrap/,
  );
  expect((await mend())?.output).toContain("can't be run: Commands can't be run in a sandbox");
  expect(existsSync(join(folder, "a.txt"))).toBe(false);
});
