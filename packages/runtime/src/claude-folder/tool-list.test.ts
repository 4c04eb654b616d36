import { expect, test } from "vitest";
import { formatRule, parseAllowed, parseDenied } from "./tool-list.ts";

const allowed = (value: unknown): string[] | null => parseAllowed(value).rules?.map(formatRule) ?? null;

test.each<[unknown, string[] | null]>([
  [undefined, null],
  ["Read, Write", ["Read", "Write"]],
  [
    ["Read", "Bash(git:*)"],
    ["Read", "Bash(git:*)"],
  ],
  ["Agent(worker, researcher), Read", ["Agent(worker, researcher)", "Read"]],
  ["Task", ["Agent"]],
  ["Bash(*)", ["Bash"]],
  ["mcp__shop, mcp__shop__*, mcp__shop__buy", ["mcp__shop", "mcp__shop__*", "mcp__shop__buy"]],
  ["mcp__*", []],
  ['["Read", "Grep"]', ["Read", "Grep"]],
  ["- Read\n- Grep", ["Read", "Grep"]],
  ["edit/editFiles, codebase", ["edit/editFiles", "codebase"]],
  ["*", null],
  ["", []],
  [[], []],
  [["*", "Read"], ["Read"]],
  [["Bash()", "R*", "Bash(git"], []],
  [{ Read: true }, []],
  [["Read", 7], []],
  ["x".repeat(10_000), []],
  [Array(5_000).fill("Read"), []],
])("%j allows %j", (value, expected) => expect(allowed(value)).toEqual(expected));

test("a list of what is denied takes patterns that one of what is allowed does not", () => {
  expect(parseDenied("mcp__*, Bash(rm:*)")?.rules?.map(formatRule)).toEqual(["mcp__*", "Bash(rm:*)"]);
  expect(parseDenied(undefined)?.rules).toEqual([]);
});

test.each([["*"], ["Bash("], [{ Bash: true }], [[1]]])("nobody knows what %j leaves", (value) => {
  expect(parseDenied(value)).toBeUndefined();
});
