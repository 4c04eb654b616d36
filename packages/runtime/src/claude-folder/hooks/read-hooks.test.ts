import { expect, test } from "vitest";
import { createLineOf } from "./line-of.ts";
import { readHooks } from "./read-hooks.ts";

function read(text: string, isAgent = false) {
  const line = createLineOf(text);
  const { hooks: value } = JSON.parse(text) as { hooks: unknown };
  return readHooks(value, { isAgent, lineOf: (way) => line(["hooks", ...way]) });
}

const one = (hook: object, group: object = {}, event = "PreToolUse") =>
  read(
    JSON.stringify({
      hooks: { [event]: [{ ...group, hooks: [{ type: "command", command: "c", ...hook }] }] },
    }),
  );

test("hooks are read with their lines, their matchers and their times", () => {
  const { hooks, problems, unsupported } = read(`{
  "hooks": {
    "PreToolUse": [
      { "matcher": "Bash|Edit", "hooks": [
        { "type": "command", "command": "./check.sh", "timeout": 5, "statusMessage": "Checking" },
        { "type": "command", "command": "./more.sh", "onFailure": "block" }
      ] }
    ],
    "Stop": [{ "matcher": "ignored", "hooks": [{ "command": "npm test" }] }]
  }
}`);
  expect([problems, unsupported]).toEqual([[], []]);
  expect(hooks).toEqual([
    {
      event: "PreToolUse",
      matcher: "Bash|Edit",
      command: "./check.sh",
      timeoutMs: 5_000,
      blocksOnFailure: false,
      line: 5,
    },
    {
      event: "PreToolUse",
      matcher: "Bash|Edit",
      command: "./more.sh",
      timeoutMs: 60_000,
      blocksOnFailure: true,
      line: 6,
    },
    { event: "Stop", matcher: null, command: "npm test", timeoutMs: 60_000, blocksOnFailure: false, line: 9 },
  ]);
});

test("what Muster does not have is named and not loaded, with its line", () => {
  const { hooks, problems, unsupported } = read(`{ "hooks": {
    "SessionEnd": [{ "hooks": [{ "type": "command", "command": "c" }] }],
    "PreToolUse": [
      { "hooks": [{ "type": "prompt", "prompt": "Is it safe?" }] },
      { "hooks": [{ "type": "command", "command": "c", "if": "Bash(git *)" }] },
      { "hooks": [{ "type": "command", "command": "c", "async": true }] },
      { "hooks": [{ "type": "command", "command": "c", "shell": "powershell" }] },
      { "hooks": [{ "type": "command", "command": "c", "onFailure": "maybe" }] },
      { "unless": "x", "hooks": [{ "type": "command", "command": "c" }] }
    ]
  } }`);
  expect([hooks, problems]).toEqual([[], []]);
  expect(unsupported.map((said) => said.replace(/: (?:Muster )?.*?("\w+"|SessionEnd).*/, " $1"))).toEqual([
    "line 2 SessionEnd",
    'line 4 "prompt"',
    'line 5 "if"',
    'line 6 "async"',
    'line 7 "shell"',
    'line 8 "onFailure"',
    'line 9 "unless"',
  ]);
});

test("what is wrong is left out and told, and the rest stays", () => {
  const { hooks, problems } = read(`{ "hooks": {
    "pre": "echo",
    "PostToolUse": {},
    "PreToolUse": [
      { "matcher": "(", "hooks": [{ "type": "command", "command": "c" }] },
      { "matcher": 3, "hooks": [{ "type": "command", "command": "c" }] },
      "c",
      { "hooks": [{ "type": "command" }, "c", { "type": "command", "command": "good", "timeout": -1 }] },
      { "hooks": [{ "type": "command", "command": "slow", "timeout": 9999 }] },
      { "matcher": "mcp__shop", "hooks": [{ "type": "command", "command": "shop" }] }
    ]
  } }`);
  expect(hooks.map(({ command, timeoutMs }) => [command, timeoutMs])).toEqual([
    ["good", 60_000],
    ["slow", 600_000],
    ["shop", 60_000],
  ]);
  expect(problems.map((said) => /^line (\d+)/.exec(said)?.[1])).toEqual([
    "2",
    "3",
    "5",
    "6",
    "7",
    "8",
    "8",
    "8",
    "9",
    "10",
  ]);
  expect(problems.at(-1)).toContain("mcp__shop__.*");
});

test("no value is too odd to be read, and nothing is loaded of it", () => {
  for (const value of [
    [],
    "x",
    3,
    true,
    { PreToolUse: null },
    { __proto__: [] },
    { constructor: [{ hooks: [] }] },
  ])
    expect(readHooks(value, { isAgent: false, lineOf: () => undefined }).hooks).toEqual([]);
  expect(one({ command: "a\0b" }).hooks).toEqual([]);
  expect(one({ command: "a".repeat(8_001) }).problems[0]).toContain("8000 characters");
  expect(one({ command: 3 }).hooks).toEqual([]);
  const many = Array.from({ length: 101 }, () => ({ type: "command", command: "c" }));
  const { hooks, problems } = read(JSON.stringify({ hooks: { Stop: [{ hooks: many }] } }));
  expect([hooks.length, problems.length]).toEqual([100, 1]);
});

test("the end that an agent's own file means is that of the agent", () => {
  const text = '{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "c"}]}]}}';
  expect(read(text, true).hooks).toMatchObject([{ event: "SubagentStop" }]);
  expect(read(text).hooks).toMatchObject([{ event: "Stop" }]);
});
