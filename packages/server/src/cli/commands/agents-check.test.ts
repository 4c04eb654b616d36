import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { CrewOptions } from "../../crew/start-crew.ts";
import { createFakeCliContext } from "../../test/fake-cli-context.ts";
import type { CliContext } from "../cli-context.ts";
import { runCli } from "../run-cli.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function folderWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "muster-agents-"));
  folders.push(folder);
  writeFileSync(join(folder, "muster.yaml"), text);
  return folder;
}

const good = `agents:
  - name: old
    version: "1"
    kind: command
    command: [node, old.mjs]
    capabilities: [work]
`;

async function check(text: string, ...argv: string[]) {
  const context = createFakeCliContext({ cwd: folderWith(text) });
  const exitCode = await runCli(["agents", "check", ...argv], context);
  return { exitCode, out: context.stdout.text(), err: context.stderr.text() };
}

/** What a server's crew was started with, or why there is no server. */
async function up(text: string, ...argv: string[]) {
  let given: CrewOptions | undefined;
  let started = 0;
  const startMuster = (async () => {
    started += 1;
    return { url: "http://127.0.0.1:6878", adminKey: null, stop: async () => undefined };
  }) as unknown as CliContext["startMuster"];
  const startCrew = async (options: CrewOptions) => {
    given = options;
    return { unfollow: async () => undefined, close: async () => undefined };
  };
  const crew = async () => ({ startCrew });
  const context = createFakeCliContext({ cwd: folderWith(text), startMuster, crew });
  const running = runCli(["up", ...argv], context);
  await expect
    .poll(() => context.stdout.text() + context.stderr.text(), { timeout: 10_000 })
    .toMatch(/is up at|error:/);
  context.signal("SIGTERM");
  return { exitCode: await running, given, started, err: context.stderr.text() };
}

describe("agents check", () => {
  test("shows what each agent would run", async () => {
    const { exitCode, out } = await check(good);
    expect([exitCode, out]).toEqual([0, '✔ old 1 (work): ["node","old.mjs"]\n']);
  });

  test("tells every mistake with its line and what was meant", async () => {
    const { exitCode, err } = await check(good.replace("command: [", "comand: ["));
    expect(exitCode).toBe(2);
    expect(err).toContain('muster.yaml:5:5: unknown key "comand" (did you mean "command"?)');
    const broken = await check("agents: [", "--json");
    expect(broken.exitCode).toBe(2);
    expect(JSON.parse(broken.out)).toMatchObject({ valid: false, agents: [] });
  });

  test("says that there is no file", async () => {
    const { exitCode, err } = await check(good, "other.yaml");
    expect([exitCode, err]).toEqual([2, expect.stringContaining("there is no such file")]);
  });
});

describe("agents check of a folder with .claude", () => {
  const mechanic = "---\nname: mechanic\ndescription: Mends bicycles.\n---\nYou mend.\n";

  function folderWithAgents(files: Record<string, string>): string {
    const folder = mkdtempSync(join(tmpdir(), "muster-agents-"));
    folders.push(folder);
    mkdirSync(join(folder, ".claude/agents"), { recursive: true });
    for (const [name, text] of Object.entries(files))
      writeFileSync(join(folder, ".claude/agents", name), text);
    return folder;
  }

  async function checkFolder(files: Record<string, string>, ...argv: string[]) {
    const context = createFakeCliContext({ cwd: folderWithAgents(files) });
    const exitCode = await runCli(["agents", "check", ...argv], context);
    return { exitCode, out: context.stdout.text(), err: context.stderr.text() };
  }

  test("tells of each file what becomes of it here and with Claude Code", async () => {
    const { exitCode, out, err } = await checkFolder({
      "a.md": mechanic,
      "b.md": "---\nname: painter\ndescription: Use for: paint\n---\nYou paint.\n",
      "c.md": "---\nname: shop:clerk\ndescription: Sells.\n---\nYou sell.\n",
      "README.md": "# Agents\n",
    });
    expect(exitCode).toBe(2);
    const lines = out.split("\n").map((line) => line.replace(/ {2,}/g, " | ").trim());
    expect(lines).toEqual([
      "FILE | KIND | NAME | MUSTER | CLAUDE CODE",
      ".claude/agents/README.md | agent | not loaded | skips it",
      "| not loaded: it has no front matter: documentation, not an agent",
      "| Claude Code skips it: it has no front matter, so it counts as documentation",
      ".claude/agents/a.md | agent | mechanic | loaded | loads it",
      ".claude/agents/b.md | agent | painter | loaded with repairs | skips it",
      "| repaired: the YAML does not parse: read key by key (name, description)",
      "| repaired: description is no YAML: taken as the text that stands there",
      "| Claude Code skips it: its YAML does not parse",
      ".claude/agents/c.md | agent | not loaded | skips it",
      "| not loaded: its name holds a colon, as only those of plugins do",
      "| Claude Code skips it: its name holds a colon",
      "",
    ]);
    expect(err).toContain("1 loaded, 1 loaded with repairs, 2 not loaded; Claude Code would load 1");
  });

  test("counts repairs as mistakes only where that is asked for, and documentation never", async () => {
    const files = { "b.md": "---\nname: painter\ndescription: Use for: paint\n---\nYou paint.\n" };
    expect((await checkFolder({ ...files, "README.md": "# Agents\n" })).exitCode).toBe(0);
    expect((await checkFolder(files, "--strict")).exitCode).toBe(2);
  });

  test("prints the same as JSON, without the prompts", async () => {
    const { exitCode, out } = await checkFolder({ "a.md": mechanic }, "--json");
    const found = JSON.parse(out);
    expect([exitCode, found.valid, found.file]).toEqual([0, true, null]);
    expect(found.claude.agents).toMatchObject([{ name: "mechanic", path: ".claude/agents/a.md" }]);
    expect(found.claude.files).toMatchObject([{ status: "loaded", claudeCode: { loads: true } }]);
    expect(out).not.toContain("You mend.");
  });

  test("takes nothing of a file to the terminal that could harm it", async () => {
    const { out } = await checkFolder({
      "a.md": '---\nname: "x\\e[2Jy"\ndescription: Mends.\n---\nYou mend.\n',
    });
    expect(out).toContain("became x-2-jy");
    expect(out).not.toContain("\u001b");
  });

  test("looks at the user's own folder where that is asked for", async () => {
    const home = folderWithAgents({ "own.md": mechanic });
    const context = createFakeCliContext({ cwd: folderWithAgents({}), env: { HOME: home } });
    expect(await runCli(["agents", "check", "--user"], context)).toBe(0);
    expect(context.stdout.text()).toContain("~/.claude/agents/own.md");
  });

  test("says that there is nothing to check", async () => {
    const folder = mkdtempSync(join(tmpdir(), "muster-agents-"));
    folders.push(folder);
    const context = createFakeCliContext({ cwd: folder });
    expect(await runCli(["agents", "check"], context)).toBe(2);
    expect(context.stderr.text()).toContain("there is neither muster.yaml nor .claude here");
  });
});

describe("up", () => {
  test("leaves a muster.yaml alone that nobody named", async () => {
    const { given, started, err } = await up(good);
    expect([started, given]).toEqual([1, undefined]);
    expect(err).toContain("muster.yaml here is left alone");
  });

  test("starts the agents of a file that was named, or with --yes", async () => {
    for (const argv of [["--config", "muster.yaml"], ["--yes"]]) {
      const { given } = await up(good, ...argv);
      expect(given?.configured?.agents).toMatchObject([{ name: "old", kind: "command" }]);
    }
  });

  test("takes the models of a file that was named, and tells what is wrong with them", async () => {
    const models = "models:\n  providers:\n    - { name: house, kind: openai }\n";
    for (const text of [models, good + models]) {
      const { given } = await up(text, "--yes");
      expect(given?.configured).toMatchObject({ models: { providers: [{ name: "house", kind: "openai" }] } });
    }
    const { exitCode, started, err } = await up(models.replace("kind", "kinds"), "--yes");
    expect([exitCode, started]).toEqual([2, 0]);
    expect(err).toMatch(/muster\.yaml:3:22: unknown key "kinds" \(did you mean "kind"\?\)/);
  });

  test("starts nothing at all where the file has a mistake", async () => {
    const { exitCode, started, err } = await up(good.replace("kind: command", "kind: comand"), "--yes");
    expect([exitCode, started]).toEqual([2, 0]);
    expect(err).toContain("must be one of command, http, mcp");
  });
});
