import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadClaudeFolder } from "@muster/runtime/claude-folder";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { AskedRequest, Conversation, Reply } from "../../../../runtime/src/test/providers/script.ts";
import {
  type ScriptedProviders,
  startProviders,
} from "../../../../runtime/src/test/providers/start-providers.ts";
import { type RunningClaudeAgents, startClaudeAgents } from "../../start-claude-agents.ts";
import { root } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

/** The example teams, played by scripted models on real files: what they hand on, what they may do, what comes of it. */
const teams = fileURLToPath(new URL("../../../../../examples/teams", import.meta.url));
const names = readdirSync(teams, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

test("there are three", () => expect(names.sort()).toEqual(["change", "docs", "release"]));

test.each(names)(
  "every file of %s is right, for Claude Code, too, and names only agents that are there",
  async (name) => {
    const { agents, reports } = await loadClaudeFolder({ folder: join(teams, name) });
    expect(reports.filter(({ status, claudeCode }) => status !== "loaded" || !claudeCode.loads)).toEqual([]);
    const there = agents.map(({ definition }) => definition.name);
    const rules = agents.flatMap(({ definition }) => definition.tools ?? []);
    const named = rules.flatMap((rule) => /^Agent\((.*)\)$/.exec(rule)?.[1]?.split(", ") ?? []);
    expect([...new Set(named)].sort()).toEqual(there.filter((one) => !one.endsWith("-lead")).sort());
    // Who leads changes nothing by itself.
    for (const { definition } of agents.filter((one) => one.definition.name.endsWith("-lead")))
      expect(definition.tools?.filter((rule) => /^(?:Write|Edit|Bash)/.test(rule))).toEqual([]);
  },
);

const at = useOrchestrator({ leaseMs: 10_000, heartbeatMs: 2_000 });
let providers: ScriptedProviders;
beforeAll(async () => {
  providers = await startProviders({ script: [] });
});
afterAll(() => providers.close());

let folder: string;
let running: RunningClaudeAgents | undefined;
const said: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "muster-team-"));
  said.length = 0;
});
afterEach(async () => {
  await running?.close();
  rmSync(folder, { recursive: true });
});

const place = (path: string): string => join(folder, path);
const read = (path: string): string => readFileSync(place(path), "utf8");
const call = (name: string, input: object): Reply => ({ toolCalls: [{ name, input }] });
const hand = (agent: string, input: string): Reply =>
  call("delegate", { tasks: [{ capability: agent, agent, input }] });
const heard = ({ messages }: AskedRequest): string =>
  messages
    .at(-1)
    ?.results.map((one) => one.content)
    .join() ?? "";
const who = (name: string): string => {
  const text = readFileSync(join(folder, ".claude/agents", `${name}.md`), "utf8");
  return text.split("---\n")[2]?.trim().slice(0, 60) ?? "";
};

async function play(
  team: string,
  files: Record<string, string>,
  turns: Record<string, Conversation["turns"]>,
) {
  cpSync(join(teams, team), folder, { recursive: true });
  for (const [path, text] of Object.entries(files)) writeFileSync(place(path), text);
  providers.play(Object.entries(turns).map(([name, own]) => ({ when: { system: who(name) }, turns: own })));
  running = await startClaudeAgents({
    folder,
    env: { ...process.env, ANTHROPIC_API_KEY: "sk-ant-a-key-of-a-test" } as Record<string, string>,
    models: {
      providers: [{ name: "anthropic", kind: "anthropic", baseURL: providers.baseURL("anthropic") }],
    },
    start: (definition) => at.muster.agent(definition),
    putAside: (id) => at.muster.orchestrator.agents.setStatus(id, "maintenance", root),
    say: (sentence) => said.push(sentence),
  });
  const [task] = await at.muster.finish({ capability: `${team}-lead`, input: "Begin." });
  expect(providers.unexpected.slice(-1)).toEqual([]);
  return task;
}

test("docs: what the code no longer does is found in the code and mended in the document", async () => {
  const task = await play(
    "docs",
    { "shop.js": "export const port = 8080;\n", "GUIDE.md": "# Shop\n\nIt listens on port 80.\n" },
    {
      "docs-lead": [
        call("Glob", { pattern: "**/*.md" }),
        hand("docs-auditor", "GUIDE.md"),
        (asked) => hand("docs-writer", heard(asked)),
        { text: "GUIDE.md says 8080 now." },
      ],
      "docs-auditor": [
        call("Grep", { pattern: "port", output_mode: "content" }),
        (asked) => ({
          text: heard(asked).includes("8080") ? "GUIDE.md:3 says 80, shop.js:1 says 8080" : "True",
        }),
      ],
      "docs-writer": [
        call("Read", { file_path: place("GUIDE.md") }),
        call("Edit", { file_path: place("GUIDE.md"), old_string: "port 80.", new_string: "port 8080." }),
        { text: "Line 3." },
      ],
    },
  );
  expect(task).toMatchObject({ status: "completed", output: "GUIDE.md says 8080 now." });
  expect(read("GUIDE.md")).toBe("# Shop\n\nIt listens on port 8080.\n");
});

test("change: an objection of the reviewer is worked in, and what is secret stays so", async () => {
  const task = await play(
    "change",
    { "price.js": "export const price = (n) => n;\n", ".env": "KEY=very-secret\n" },
    {
      "change-lead": [
        hand("change-maker", "Add tax."),
        hand("change-reviewer", "Add tax."),
        (asked) => hand("change-maker", heard(asked)),
        { text: "Tax is added and rounded." },
      ],
      "change-maker": [
        (asked) =>
          call("Read", {
            file_path: place(asked.messages[0]?.text.includes("rounded") ? ".env" : "price.js"),
          }),
        ({ messages }) => {
          const again = messages[0]?.text.includes("rounded");
          const content = again ? "Math.round(n * 1.2)" : "n * 1.2";
          return call("Write", {
            file_path: place("price.js"),
            content: `export const price = (n) => ${content};\n`,
          });
        },
        { text: "Done." },
      ],
      "change-reviewer": [
        call("Write", { file_path: place("price.js"), content: "mine" }),
        call("Read", { file_path: place("price.js") }),
        { text: "price.js:1 is not rounded" },
      ],
    },
  );
  expect(task).toMatchObject({ status: "completed", output: "Tax is added and rounded." });
  expect(read("price.js")).toBe("export const price = (n) => Math.round(n * 1.2);\n");
  expect(JSON.stringify(providers.requests)).not.toContain("very-secret");
});

test("release: the notes come from the history of the repository", async () => {
  const git = (...argv: string[]) =>
    spawnSync("git", ["-C", folder, "-c", "user.name=a", "-c", "user.email=a@b.c", ...argv]).status === 0;
  const hasHistory = git("init", "-q") && git("commit", "-q", "--allow-empty", "-m", "Wheels stay round");
  const task = await play(
    "release",
    {},
    {
      "release-lead": [
        hand("history-reader", "All."),
        (asked) => hand("notes-writer", heard(asked)),
        hand("notes-checker", "CHANGELOG.md"),
        { text: "Written." },
      ],
      "history-reader": [call("Bash", { command: "git log --oneline" }), (asked) => ({ text: heard(asked) })],
      "notes-writer": [
        ({ messages }) =>
          call("Write", {
            file_path: place("CHANGELOG.md"),
            content: messages[0]?.text.includes("Wheels stay round") ? "- Wheels stay round\n" : "nothing\n",
          }),
        { text: "Done." },
      ],
      "notes-checker": [call("Read", { file_path: place("CHANGELOG.md") }), { text: "No objections." }],
    },
  );
  expect(task).toMatchObject({ status: "completed", output: "Written." });
  // Without a sandbox no command is run, and that is said.
  const hasShell = !said.some((sentence) => sentence.includes("run no commands"));
  expect(read("CHANGELOG.md")).toBe(hasShell && hasHistory ? "- Wheels stay round\n" : "nothing\n");
  expect(hasShell || !existsSync("/usr/bin/bwrap")).toBe(true);
});
