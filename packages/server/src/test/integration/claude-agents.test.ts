import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AskedRequest } from "../../../../runtime/src/test/providers/script.ts";
import {
  type ScriptedProviders,
  startProviders,
} from "../../../../runtime/src/test/providers/start-providers.ts";
import { type RunningClaudeAgents, startClaudeAgents } from "../../start-claude-agents.ts";
import { root, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator({ leaseMs: 5_000, heartbeatMs: 1_000 });
let providers: ScriptedProviders;
beforeAll(async () => {
  providers = await startProviders({ script: [] });
});
afterAll(() => providers.close());

let folder: string;
let running: RunningClaudeAgents | undefined;
const said: string[] = [];
/** What was said, but for how commands are run on this machine: bubblewrap may be missing. */
const announced = (): string[] => said.filter((sentence) => !sentence.includes("run no commands"));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "muster-shop-"));
  said.length = 0;
});
afterEach(async () => {
  await running?.close();
  rmSync(folder, { recursive: true });
});

const place = (path: string): string => join(folder, path);
const agent = (name: string, prompt: string, ...lines: string[]): string =>
  `---\n${[`name: ${name}`, `description: The ${name} of the shop.`, ...lines].join("\n")}\n---\n${prompt}\n`;

function write(files: Record<string, string>): void {
  mkdirSync(place(".claude/agents"), { recursive: true });
  for (const [path, text] of Object.entries(files)) writeFileSync(place(path), text);
}

async function start(env: Record<string, string> = { ANTHROPIC_API_KEY: "sk-ant-a-key-of-a-test" }) {
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
    quietMs: 20,
  });
}

const registered = async () =>
  (await at.muster.orchestrator.agents.list({}, root)).map(({ id, status }) => `${id} ${status}`).sort();

/** Answers the one question in the inbox. */
async function answer(approved: boolean, text: string): Promise<void> {
  const { orchestrator } = at.muster;
  const open = async () => (await orchestrator.inbox.list({}, root)).items;
  await expect.poll(async () => (await open()).length, { timeout: 10_000 }).toBe(1);
  const [question] = await open();
  expect(question?.question).toContain(text);
  await orchestrator.inbox.answer(question?.taskId ?? "", { answer: { approved } }, root);
  await expect.poll(async () => (await open()).length, { timeout: 10_000 }).toBe(0);
}

describe("agents of a .claude folder", () => {
  test("join, are found by what they do, and work with the tools that their files allow", async () => {
    write({
      "wheels.txt": "28 inches, sk-ant-a-key-of-a-test",
      ".claude/agents/mechanic.md": agent(
        "wheel-tester",
        "You test wheels.",
        "tools: Read, Grep",
        "model: haiku",
      ),
      ".claude/agents/painter.md": agent("painter", "You paint.", "priority: high"),
      ".claude/agents/README.md": "# Our agents\n",
    });
    providers.play([
      {
        when: { system: "You test wheels." },
        turns: [
          { toolCalls: [{ name: "Read", input: { file_path: place("wheels.txt") } }] },
          { text: "28 inches wide." },
        ],
      },
    ]);
    await start();
    expect(await registered()).toEqual(["claude-painter available", "claude-wheel-tester available"]);
    expect(announced()).toEqual(["agents of .claude: wheel-tester, painter"]);
    const [task] = await at.muster.finish({ capability: "wheel-testing", input: "How wide?" });
    expect(task).toMatchObject({ status: "completed", output: "28 inches wide." });
    const [first, second] = providers.requests.slice(-2);
    expect([...(first?.tools ?? [])].sort()).toEqual(["Grep", "Read"]);
    expect(first?.model).toMatch(/haiku/);
    const told = JSON.stringify(second?.messages);
    expect(told).toContain("28 inches");
    expect(told).not.toContain("sk-ant-a-key-of-a-test");
  });

  test("hand each other work, and only to whom their files say", async () => {
    write({
      ".claude/agents/mechanic.md": agent("mechanic", "You mend.", "tools: Agent(painter)"),
      ".claude/agents/painter.md": agent("painter", "You paint.", "tools: []"),
      ".claude/agents/clerk.md": agent("clerk", "You sell.", "tools: []"),
    });
    const ask = (name: string) => ({
      toolCalls: [
        { name: "delegate", input: { tasks: [{ capability: name, agent: name, input: "The frame." }] } },
      ],
    });
    providers.play([
      {
        when: { system: "You mend." },
        turns: [ask("clerk"), ask("painter"), { text: "Mended and painted." }],
      },
      { when: { system: "You paint." }, turns: [{ text: "It is blue." }] },
    ]);
    await start();
    const [task] = await at.muster.finish({ capability: "mechanic", input: "The bicycle." });
    expect(task).toMatchObject({ status: "completed", output: "Mended and painted." });
    const asked = JSON.stringify(providers.requests);
    expect(asked).toContain("You may only delegate to painter");
    expect(asked).toContain("It is blue.");
    expect(asked).not.toContain("You sell.");
  });

  test("follow their files while they work, and outlive one that breaks", async () => {
    write({ ".claude/agents/painter.md": agent("painter", "You paint.") });
    await start();
    write({ ".claude/agents/clerk.md": agent("clerk", "You sell.") });
    await expect.poll(() => said.at(-1), { timeout: 10_000 }).toBe("agents of .claude: clerk is new");
    write({ ".claude/agents/painter.md": "---\nname:\n---\n" });
    await expect
      .poll(() => said.at(-1), { timeout: 10_000 })
      .toMatch(
        /^painter goes on as it was, since \.claude\/agents\/painter\.md can't be loaded any more: it says no name/,
      );
    expect(running?.names).toEqual(["painter", "clerk"]);
    write({ ".claude/agents/painter.md": agent("painter", "You paint it red.") });
    await expect.poll(() => said.at(-1), { timeout: 10_000 }).toBe("agents of .claude: painter changed");
    providers.play([{ when: { system: "You paint it red." }, turns: [{ text: "Red." }] }]);
    const [task] = await at.muster.finish({ capability: "painter", input: "The frame." });
    expect(task).toMatchObject({ status: "completed", output: "Red." });
    rmSync(place(".claude/agents/clerk.md"));
    await expect.poll(() => said.at(-1), { timeout: 10_000 }).toBe("agents of .claude: clerk is gone");
    await expect.poll(registered, { timeout: 10_000 }).toEqual(["claude-painter available"]);
  });

  test("send nothing to the internet that no person agreed to, whatever their files say", async () => {
    write({
      ".claude/settings.json": '{"permissions": {"allow": ["WebFetch"]}}',
      ".claude/agents/spy.md": agent(
        "spy",
        "You spy.",
        "tools: WebFetch",
        "permissionMode: bypassPermissions",
      ),
    });
    const url = "https://example.com/?secret=1";
    providers.play([
      {
        when: { system: "You spy." },
        turns: [{ toolCalls: [{ name: "WebFetch", input: { url } }] }, { text: "No." }],
      },
    ]);
    await start();
    const { tasks } = at.muster.orchestrator;
    const [task] = await tasks.submit([{ capability: "spy", input: "Go." }], someone);
    await answer(false, "May spy call WebFetch with");
    expect(await tasks.wait(task?.id ?? "", 15_000, someone)).toMatchObject({ status: "completed" });
    expect(JSON.stringify(providers.requests.at(-1)?.messages)).toContain("A person declined");
  });

  test("look skills and commands up as they are now", async () => {
    write({ ".claude/agents/painter.md": agent("painter", "You paint.", "tools: Skill") });
    mkdirSync(place(".claude/commands"));
    write({ ".claude/commands/mix.md": "Mix $0." });
    await start();
    const look = (again: string) => ({
      when: { system: "You paint.", user: again },
      turns: [
        { toolCalls: [{ name: "Skill", input: { skill: "mix", args: "blue" } }] },
        ({ messages }: AskedRequest) => ({ text: messages.at(-1)?.results[0]?.content ?? "" }),
      ],
    });
    providers.play([look("once"), look("again")]);
    const ask = async (input: string) =>
      (await at.muster.finish({ capability: "painter", input }))[0]?.output;
    expect(await ask("once")).toBe("Mix blue.");
    write({ ".claude/commands/mix.md": "Stir $0." });
    await expect.poll(() => ask("again"), { timeout: 10_000 }).toBe("Stir blue.");
    expect(announced()).toEqual(["agents of .claude: painter"]);
  });

  test("without a key are there, say what is missing, and let their tasks wait", async () => {
    write({ ".claude/agents/painter.md": agent("painter", "You paint.") });
    await start({});
    expect(said.at(-1)).toContain("no model can be reached: set ANTHROPIC_API_KEY and start again");
    expect(await registered()).toEqual(["claude-painter-without-model maintenance"]);
    const [task] = await at.muster.orchestrator.tasks.submit(
      [{ capability: "painter", input: "x" }],
      someone,
    );
    await running?.close();
    // With a key the same folder is another agent, which nobody put aside.
    providers.play([{ when: { system: "You paint." }, turns: [{ text: "Blue." }] }]);
    await start();
    const done = await at.muster.orchestrator.tasks.wait(task?.id ?? "", 15_000, someone);
    expect(done).toMatchObject({ status: "completed", output: "Blue.", attempts: 1 });
  });

  test("ask a person where the settings say so, and take no for an answer", async () => {
    write({
      ".claude/settings.json": '{"permissions": {"ask": ["Edit(paint.txt)"], "deny": ["Read(secret.txt)"]}}',
      ".claude/agents/painter.md": agent("painter", "You paint.", "tools: Read, Write"),
      "secret.txt": "the recipe",
    });
    const call = (name: string, input: object) => ({ toolCalls: [{ name, input }] });
    const paint = (colour: string) => call("Write", { file_path: place("paint.txt"), content: colour });
    providers.play([
      {
        when: { system: "You paint." },
        turns: [
          call("Read", { file_path: place("secret.txt") }),
          paint("red"),
          paint("blue"),
          { text: "Done." },
        ],
      },
    ]);
    await start();
    const { orchestrator } = at.muster;
    const [task] = await orchestrator.tasks.submit([{ capability: "painter", input: "Paint it." }], someone);
    await answer(false, "May painter call Write with");
    await answer(true, "May painter call Write with");
    const done = await orchestrator.tasks.wait(task?.id ?? "", 15_000, someone);
    expect(done).toMatchObject({ status: "completed", output: "Done." });
    expect(readFileSync(place("paint.txt"), "utf8")).toBe("blue");
    expect(JSON.stringify(providers.requests)).not.toContain("the recipe");
  });

  test("are told of by their mistakes, and none keeps the others from working", async () => {
    write({
      ".claude/agents/painter.md": agent("painter", "You paint."),
      ".claude/agents/bad.md": agent("shop:bad", "You fail."),
      ".claude/agents/odd.md": agent("Odd One", "You wonder.", "skills: unknown"),
    });
    await start();
    expect(await registered()).toEqual(["claude-odd-one available", "claude-painter available"]);
    expect(announced()).toEqual([
      "odd-one names skills that are not there: unknown",
      "agents of .claude: odd-one, painter",
      "of .claude, 1 file had to be repaired and 1 file could not be loaded; `muster agents check` says why",
    ]);
  });
});

test("a folder without agents starts nothing", async () => {
  await start();
  expect([running, said]).toEqual([undefined, []]);
});
