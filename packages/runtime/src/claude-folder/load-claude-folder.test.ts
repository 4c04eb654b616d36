import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { claudeBounds } from "./bounds.ts";
import { isMistake } from "./claude-report.ts";
import { loadClaudeFolder } from "./load-claude-folder.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder with these files in it. */
function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "muster-claude-"));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const agent = (name: string, description = "Mends bicycles."): string =>
  `---\nname: ${name}\ndescription: ${description}\n---\nYou are ${name}.\n`;

async function load(folder: string, more: { above?: boolean; home?: string } = {}) {
  const found = await loadClaudeFolder({ folder, ...more });
  const status = Object.fromEntries(
    found.reports.map(({ path, status, refusal }) => [path, refusal?.code ?? status]),
  );
  return { ...found, status, names: found.agents.map(({ definition }) => definition.name) };
}

describe("agents", () => {
  test("are found in all folders below, by what they call themselves", async () => {
    const { names, status } = await load(
      folderWith({
        ".claude/agents/one.md": agent("chain"),
        ".claude/agents/deep/er/two.md": agent("wheel"),
        ".claude/agents/README.md": "# Our agents\n",
        ".claude/agents/notes.txt": agent("ignored"),
      }),
    );
    expect(names.sort()).toEqual(["chain", "wheel"]);
    expect(status).toEqual({
      ".claude/agents/README.md": "documentation",
      ".claude/agents/deep/er/two.md": "loaded",
      ".claude/agents/one.md": "loaded",
    });
  });

  test("of one name in one folder: the first by path is taken, the other is told of", async () => {
    const { agents, reports } = await load(
      folderWith({
        ".claude/agents/b.md": agent("chain", "The second."),
        ".claude/agents/a.md": agent("Chain", "The first."),
      }),
    );
    expect(agents.map(({ definition }) => definition.description)).toEqual(["The first."]);
    expect(reports[1]).toMatchObject({
      status: "not_loaded",
      refusal: {
        code: "name_taken",
        why: '"Chain" is the name of .claude/agents/a.md, which was there first',
      },
      claudeCode: { loads: false },
    });
    expect(reports.filter(isMistake)).toHaveLength(1);
  });

  test("of the nearest folder go before those above, and those before the user's", async () => {
    const repository = folderWith({
      ".git/HEAD": "",
      ".claude/agents/chain.md": agent("chain", "Above."),
      ".claude/agents/wheel.md": agent("wheel", "Above."),
      "shop/.claude/agents/chain.md": agent("chain", "Near."),
    });
    const home = folderWith({
      ".claude/agents/wheel.md": agent("wheel", "Mine."),
      ".claude/agents/brake.md": agent("brake", "Mine."),
    });
    const { agents, reports } = await load(join(repository, "shop"), { above: true, home });
    expect(
      agents.map(({ definition, scope }) => `${scope} ${definition.name}: ${definition.description}`),
    ).toEqual(["project chain: Near.", "project wheel: Above.", "user brake: Mine."]);
    const hidden = reports.filter(({ refusal }) => refusal?.code === "overridden");
    expect(hidden.map(({ scope, name }) => `${scope} ${name}`)).toEqual(["project chain", "user wheel"]);
    expect(hidden.some(isMistake)).toBe(false);
    // Without a repository nobody knows how far up this project goes.
    rmSync(join(repository, ".git"), { recursive: true });
    expect((await load(join(repository, "shop"), { above: true })).names).toEqual(["chain"]);
  });
});

describe("skills and commands", () => {
  test("are called by where they lie, and a skill goes before a command", async () => {
    const { skills, commands, status } = await load(
      folderWith({
        ".claude/skills/true-a-wheel/SKILL.md": "---\ndescription: Makes wheels round.\n---\nTurn $0.",
        ".claude/skills/true-a-wheel/table.md": "not a skill",
        ".claude/commands/true-a-wheel.md": "The old way.",
        ".claude/commands/shop/Order Parts.md":
          "---\nallowed-tools: Bash(curl:*)\n---\nOrder !`date` $ARGUMENTS",
        ".claude/commands/empty.md": "---\ndescription: Nothing.\n---\n",
      }),
    );
    expect(skills.map(({ definition }) => definition.name)).toEqual(["true-a-wheel"]);
    expect(commands.map(({ definition }) => [definition.name, definition.allowedTools])).toEqual([
      ["order-parts", ["Bash(curl:*)"]],
    ]);
    expect(status).toEqual({
      ".claude/skills/true-a-wheel/SKILL.md": "loaded",
      ".claude/commands/empty.md": "no_prompt",
      ".claude/commands/shop/Order Parts.md": "repaired",
      ".claude/commands/true-a-wheel.md": "overridden",
    });
  });

  test("that would run a command say so", async () => {
    const { reports } = await load(folderWith({ ".claude/commands/now.md": "It is !`date`." }));
    expect(reports[0]?.needsConsent).toEqual(["a command that it runs when it is asked for"]);
  });
});

test("hooks and servers are named, and those that are no JSON are refused", async () => {
  const { reports } = await load(
    folderWith({
      ".claude/settings.json":
        '{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "true"}]}]}, "model": "opus"}',
      ".claude/settings.local.json": "{",
      ".mcp.json": '{"mcpServers": {"shop": {"command": "node", "args": ["shop.js"]}}}',
    }),
  );
  expect(reports.map(({ path, needsConsent, refusal }) => [path, needsConsent, refusal?.code])).toEqual([
    [".claude/settings.json", ["hooks: Stop"], undefined],
    [".claude/settings.local.json", [], "unreadable"],
    [".mcp.json", ["MCP servers: shop"], undefined],
  ]);
});

test("hooks of settings are loaded with their lines, and what is not is told", async () => {
  const { hooks, reports } = await load(
    folderWith({
      ".claude/settings.json": `{
        "hooks": {
          "PreToolUse": [{ "matcher": "Bash", "hooks": [
            { "type": "command", "command": "./check.sh" }
          ] }],
          "SessionEnd": [{ "hooks": [{ "type": "command", "command": "c" }] }],
          "later": []
        }
      }`,
      ".claude/settings.local.json": '{\n"hooks": {\n]}',
    }),
  );
  expect(hooks).toMatchObject({
    files: [{ path: ".claude/settings.json", hooks: [{ event: "PreToolUse", matcher: "Bash", line: 4 }] }],
    offIn: null,
  });
  expect(reports).toMatchObject([
    {
      status: "repaired",
      repairs: [expect.stringMatching(/^line 7: there is no event "later"/)],
      unsupported: [expect.stringMatching(/^line 6: Muster has no event SessionEnd/)],
      needsConsent: ["hooks: PreToolUse(Bash)"],
    },
    { status: "not_loaded", refusal: { why: "it is no object of JSON: line 3 does not parse" } },
  ]);
});

test("settings that turn hooks off are heard", async () => {
  const { hooks } = await load(folderWith({ ".claude/settings.local.json": '{"disableAllHooks": true}' }));
  expect(hooks.offIn).toBe(".claude/settings.local.json");
});

test("a server of .mcp.json that is wrong is left out and named", async () => {
  const { reports } = await load(
    folderWith({
      ".mcp.json": '{"mcpServers": {"shop": {"command": "node"}, "far": {"url": "https://a.example"}}}',
    }),
  );
  expect(reports).toMatchObject([
    {
      status: "repaired",
      needsConsent: ["MCP servers: shop"],
      repairs: [expect.stringContaining("server far is left out")],
    },
  ]);
});

test("what settings forbid holds for all agents, and settings that can't be read forbid everything", async () => {
  const rules = async (settings: string) =>
    (await load(folderWith({ ".claude/settings.json": settings }))).permissions;
  expect(
    await rules('{"permissions": {"deny": ["Read(.env)"], "ask": ["Bash(git push:*)"], "allow": ["Bash"]}}'),
  ).toEqual({ deny: ["Read(.env)"], ask: ["Bash(git push:*)"] });
  expect(await rules('{"model": "opus"}')).toEqual({ deny: [], ask: [] });
  for (const broken of [
    "{",
    '{"permissions": []}',
    '{"permissions": {"deny": "Bash"}}',
    '{"permissions": {"deny": [1]}}',
  ])
    expect([broken, await rules(broken)]).toEqual([broken, { deny: ["*"], ask: [] }]);
});

describe("a folder that means harm", () => {
  test("does not lead out by links", async () => {
    const outside = folderWith({ "secret.md": agent("secret"), "agents/other.md": agent("other") });
    const folder = folderWith({ ".claude/agents/own.md": agent("own"), "shared/chain.md": agent("chain") });
    const at = (path: string): string => join(folder, ".claude/agents", path);
    symlinkSync(join(outside, "secret.md"), at("secret.md"));
    symlinkSync(join(outside, "agents"), at("others"));
    symlinkSync("nowhere.md", at("dangling.md"));
    symlinkSync("../../shared/chain.md", at("chain.md"));
    symlinkSync(".", at("again"));
    const { names, status } = await load(folder);
    expect(names.sort()).toEqual(["chain", "own"]);
    expect(status).toMatchObject({
      ".claude/agents/secret.md": "outside",
      ".claude/agents/dangling.md": "outside",
    });
    expect(JSON.stringify(status)).not.toContain("other.md");

    const linked = folderWith({ ".claude/commands/x.md": "x" });
    symlinkSync(join(outside, "agents"), join(linked, ".claude/agents"));
    expect((await load(linked)).status).toEqual({
      ".claude/agents": "outside",
      ".claude/commands/x.md": "loaded",
    });
  });

  test("does not hold the reader up with pipes, large files, or bytes that are no text", async () => {
    const folder = folderWith({
      ".claude/agents/large.md": agent("large") + "x".repeat(claudeBounds.fileBytes),
      ".claude/agents/binary.md": `${agent("binary")}\0`,
      ".claude/agents/own.md": agent("own"),
    });
    execFileSync("mkfifo", [join(folder, ".claude/agents/pipe.md")]);
    mkdirSync(join(folder, ".claude/agents/folder.md"));
    writeFileSync(
      join(folder, ".claude/agents/latin.md"),
      Buffer.from(agent("latin", "Stra\u00dfe."), "latin1"),
    );
    const { status, names } = await load(folder);
    expect(names).toEqual(["latin", "own"]);
    expect(status).toMatchObject({
      ".claude/agents/large.md": "too_large",
      ".claude/agents/binary.md": "not_text",
      ".claude/agents/pipe.md": "not_text",
      ".claude/agents/latin.md": "repaired",
    });
  });

  test("is not looked at beyond its bounds", async () => {
    const deep = Array.from({ length: claudeBounds.depth + 2 }, () => "d").join("/");
    const many = Object.fromEntries(
      Array.from({ length: claudeBounds.filesPerKind + 1 }, (_, at) => [`.claude/agents/n${at}.md`, ""]),
    );
    expect(Object.values((await load(folderWith(many))).status)).toContain("too_many");
    const { status, names } = await load(folderWith({ [`.claude/agents/${deep}/a.md`]: agent("deep") }));
    expect([names, Object.values(status)]).toEqual([[], ["too_many"]]);
  });
});

test("a file that may not be read is told of", async () => {
  const folder = folderWith({ ".claude/agents/closed.md": agent("closed") });
  chmodSync(join(folder, ".claude/agents/closed.md"), 0);
  const { status } = await load(folder);
  // Root reads everything.
  expect(status[".claude/agents/closed.md"]).toBe(process.getuid?.() === 0 ? "loaded" : "unreadable");
});

test("a folder without .claude has nothing in it", async () => {
  expect(await loadClaudeFolder({ folder: folderWith({ "README.md": "" }) })).toEqual({
    agents: [],
    skills: [],
    commands: [],
    permissions: { deny: [], ask: [] },
    hooks: { files: [], offIn: null },
    reports: [],
  });
});
