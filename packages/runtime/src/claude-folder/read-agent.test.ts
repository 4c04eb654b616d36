import { expect, test } from "vitest";
import { readAgent } from "./read-agent.ts";

const body = "\nYou mend bicycles. Begin with the chain.\n";
const file = (...lines: string[]): string => `---\n${lines.join("\n")}\n---\n${body}`;

/** Loads a file that has to load. */
function load(text: string) {
  const reading = readAgent(text, "some-file.md");
  if (reading.definition === undefined) throw new Error(`not loaded: ${reading.refusal?.why}`);
  return { ...reading, definition: reading.definition };
}

test("a file that is right needs no repair", () => {
  const { definition, repairs, claudeCode } = load(
    file(
      "name: bicycle-mechanic",
      "description: Use for bicycles that squeak or do not roll.",
      "tools: Read, Bash(make:*), Agent(wheel-builder, painter), mcp__shop__*",
      "disallowedTools: [Write]",
      "model: opus",
      "maxTurns: 12",
      "memory: project",
      "skills: [chains]",
      "color: blue",
      "background: true",
      "isolation: worktree",
    ),
  );
  expect([repairs, claudeCode]).toEqual([[], { loads: true, why: null }]);
  expect(definition).toMatchObject({
    name: "bicycle-mechanic",
    description: "Use for bicycles that squeak or do not roll.",
    prompt: "You mend bicycles. Begin with the chain.",
    tools: ["Read", "Bash(make:*)", "Agent(wheel-builder, painter)", "mcp__shop__*"],
    disallowedTools: ["Write"],
    model: "opus",
    maxTurns: 12,
    memory: { scope: "project", folder: ".claude/agent-memory/bicycle-mechanic" },
    skills: ["chains"],
    color: "blue",
    background: true,
    isolation: "worktree",
    metadata: {},
  });
});

test("what is left out has the meaning that it has in Claude Code", () => {
  const { definition } = load(file("name: a-b", "description: Mends bicycles."));
  expect(definition).toMatchObject({ tools: null, disallowedTools: [], model: "inherit", maxTurns: null });
});

/** Files that Claude Code skips, and which Muster loads: what had to be put right, and what came of it. */
const repaired: [what: string, text: string, repair: RegExp, expected: object][] = [
  [
    "a colon in the description",
    file("name: a-b", "description: Use for one thing: bicycles", "tools: Read"),
    /description is no YAML/,
    { name: "a-b", description: "Use for one thing: bicycles", tools: ["Read"] },
  ],
  [
    "a dialogue that is not indented",
    file(
      "name: a-b",
      "description: Mends. Examples:",
      "<example>",
      "Context: a flat tyre",
      'user: "it is flat"',
      'assistant: "I use the mechanic: now"',
      "</example>",
      "tools: Read",
      "priority: high",
    ),
    /description is no YAML/,
    { tools: ["Read"], metadata: { priority: "high" } },
  ],
  [
    "keys that are indented, and tabs",
    file("  name: a-b", "  description: Mends bicycles.", "\ttools: Read"),
    /indentation was put right/,
    { name: "a-b", tools: ["Read"] },
  ],
  [
    "a whole file that is indented",
    file("name: a-b", "description: Mends bicycles.", "tools: [Read]").replace(/^(?=.)/gm, "    "),
    /whole file is indented/,
    { tools: ["Read"], prompt: "You mend bicycles. Begin with the chain." },
  ],
  [
    "a front matter without its end",
    `---\nname: a-b\ndescription: Mends bicycles.\n${body}`,
    /never closed/,
    { prompt: "You mend bicycles. Begin with the chain." },
  ],
  [
    "lines above the front matter",
    `\n\`\`\`markdown\n${file("name: a-b", "description: Mends bicycles.")}`,
    /not begin on the first line/,
    { name: "a-b" },
  ],
  [
    "a name and no description",
    file("name: a-b", "model: haiku"),
    /first paragraph/,
    { description: "You mend bicycles. Begin with the chain.", model: "haiku" },
  ],
  ["a name that is a number", file("name: 42", "description: Mends."), /name is a number/, { name: "42" }],
  [
    "a list of tools that YAML takes for an alias",
    file("name: a-b", "description: Mends.", "tools: *"),
    /taken as all tools/,
    { tools: null },
  ],
];

test.each(repaired)(
  "%s is put right, and Claude Code is said to skip the file",
  (_, text, repair, expected) => {
    const { definition, repairs, claudeCode } = load(text);
    expect(repairs.join("\n")).toMatch(repair);
    expect(claudeCode.loads).toBe(false);
    expect(definition).toMatchObject(expected);
  },
);

/** Files that Claude Code loads as well, with something in them that Muster had to put right. */
const tidied: [what: string, lines: string[], repair: RegExp, expected: object][] = [
  ["a name with blanks", ["name: Bicycle Mechanic"], /became bicycle-mechanic/, { name: "bicycle-mechanic" }],
  ["a model in prose", ["name: a-b", "model: Claude Sonnet 4.5"], /taken as inherit/, { model: "inherit" }],
  ["tools in lower case", ["name: a-b", "tools: read, task"], /is called Read/, { tools: ["Read", "Agent"] }],
  ["all tools by a word", ["name: a-b", "tools: All tools"], /all tools/, { tools: null }],
  ["a bound on turns in words", ["name: a-b", "maxTurns: many"], /maxTurns/, { maxTurns: null }],
];

test.each(tidied)("%s is put right in a file that Claude Code loads", (_, lines, repair, expected) => {
  const { definition, repairs, claudeCode } = load(file(...lines, "description: Mends bicycles."));
  expect(repairs.join("\n")).toMatch(repair);
  expect(claudeCode.loads).toBe(true);
  expect(definition).toMatchObject(expected);
});

/** Files that nobody loads. */
const refused: [what: string, text: string, code: string][] = [
  ["no front matter", "# Mechanics\n\nA list of those we have.\n", "documentation"],
  ["a rule of Markdown and no key", "---\n\nSome text.\n\n---\n", "no_name"],
  ["nothing at all", "", "documentation"],
  ["no name", file("description: Mends bicycles."), "no_name"],
  ["a name with a colon", file("name: shop:mechanic", "description: Mends."), "bad_name"],
  ["a name with a hyphen in front", file('name: "-mechanic"', "description: Mends."), "bad_name"],
  ["a name that is a list", file("name: [a, b]", "description: Mends."), "bad_name"],
  ["neither description nor prompt", "---\nname: a-b\n---\n", "no_description"],
  ["a front matter without end in it", `---\n${"x: y\n".repeat(10_000)}`, "too_large"],
];

test.each(refused)("a file with %s is not loaded, by Claude Code neither", (_, text, code) => {
  const reading = readAgent(text, "mechanic.md");
  expect([reading.definition, reading.refusal?.code, reading.claudeCode.loads]).toEqual([
    undefined,
    code,
    false,
  ]);
  expect(reading.refusal?.why).not.toBe("");
});

test("a name that leaves nothing for one of Muster's is refused, though Claude Code takes it", () => {
  const { refusal, claudeCode } = readAgent(file('name: "!!!"', "description: Mends."), "a.md");
  expect([refusal?.code, claudeCode.loads]).toEqual(["bad_name", true]);
});

test("a list of tools that can't be read never gives an agent more than it says", () => {
  for (const tools of [
    ["tools: {Read: true}"],
    ["tools: 7"],
    ["tools: [Read, [Write]]"],
    ["tools: Read", "tools: Bash"],
    ["description: a: b", "tools:", "model: sonnet", " - Read"],
    ["disallowedTools: {Bash: no}"],
    ["disallowedTools: Bash("],
  ]) {
    const { definition, repairs } = load(file("name: a-b", ...tools));
    expect([tools, definition.tools]).toEqual([tools, []]);
    expect(repairs.join("\n")).toContain("can't be read");
  }
});

test("hooks, servers and a mode without questions are named and not granted", () => {
  const { definition, needsConsent, repairs } = load(
    file(
      "name: a-b",
      "description: Mends bicycles.",
      "permissionMode: bypassPermissions",
      "hooks: { PreToolUse: [{ matcher: Bash, hooks: [{ type: command, command: 'rm -rf /' }] }] }",
      "mcpServers: [shop, { parts: { command: node, args: [parts.js] } }]",
    ),
  );
  expect(needsConsent.join("\n")).toMatch(/hooks: PreToolUse\(Bash\)[\s\S]*parts[\s\S]*bypassPermissions/);
  expect(definition.mcpServers.map(({ name }) => name)).toEqual(["shop", "parts"]);
  expect(definition.hooks).toMatchObject([
    { event: "PreToolUse", matcher: "Bash", command: "rm -rf /", line: 5 },
  ]);
  expect(repairs).toEqual([]);
});

test("unknown keys are kept as metadata, within bounds", () => {
  const { definition } = load(
    file("name: a-b", "description: Mends.", "priority: high", "capabilities: [chains, brakes]", "big: .inf"),
  );
  expect(definition.metadata).toEqual({
    priority: "high",
    capabilities: ["chains", "brakes"],
    big: "Infinity",
  });
  const many = `---\nname: a-b\ndescription: Mends.\nmany: [${"1,".repeat(2_000)}]\n---\n${body}`;
  const cut = load(many);
  expect((cut.definition.metadata.many as unknown[]).length).toBeLessThan(600);
  expect(cut.repairs.join()).toContain("unknown keys");
});

test("an agent is found by its name, by the work that its name stands for, and by words", () => {
  const { definition } = load(
    file(
      "name: code-reviewer",
      'description: "Reviews pull requests for security. <example>user: please</example>"',
      "tools: Read, Grep",
      "capabilities: [threat_modelling]",
    ),
  );
  expect(definition.capabilities).toEqual([
    { name: "code-reviewer", description: "Reviews pull requests for security.", tools: ["Read", "Grep"] },
    { name: "code-review", description: "Reviews pull requests for security.", tools: ["Read", "Grep"] },
  ]);
  expect(definition.tags).toEqual(
    expect.arrayContaining(["threat-modelling", "read-only", "security", "pull"]),
  );
});

test("bytes at the beginning, ends of lines and escaped lines do not matter", () => {
  const text = `\ufeff${file("name: a-b", "description: one\\ntwo").replaceAll("\n", "\r\n")}`;
  const { definition, repairs } = load(text);
  expect([definition.description, definition.prompt, repairs]).toEqual([
    "one\ntwo",
    "You mend bicycles. Begin with the chain.",
    [],
  ]);
});
