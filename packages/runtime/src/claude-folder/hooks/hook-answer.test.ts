import { expect, test } from "vitest";
import type { HookEvent } from "./claude-hook.ts";
import { readHookAnswer } from "./hook-answer.ts";
import { joinAnswers } from "./join-answers.ts";
import { matchesHook } from "./match-hook.ts";

const exit = { output: "", errors: "", code: 0, signal: null, endedBy: null };
const answer = (event: HookEvent, more: Partial<typeof exit>, blocksOnFailure = false) =>
  readHookAnswer({ event, blocksOnFailure }, { ...exit, ...more });
const printed = (event: HookEvent, json: object) => answer(event, { output: JSON.stringify(json) });
const specific = (event: HookEvent, fields: object) =>
  printed(event, { hookSpecificOutput: { hookEventName: event, ...fields } });

test("an exit with 2 refuses where something can be refused, with what it wrote on standard error", () => {
  const said = { code: 2, errors: "no\n", output: '{"continue": false}' };
  for (const event of ["PreToolUse", "PostToolUse", "UserPromptSubmit", "Stop", "SubagentStop"] as const)
    expect(answer(event, said)).toEqual({ refusal: "no" });
  for (const event of ["SessionStart", "PreCompact", "Notification"] as const)
    expect(answer(event, said)).toEqual({ fault: expect.stringContaining("can't be refused: no") });
});

test("what fails in another way blocks nothing, unless its entry says so", () => {
  const failures = [
    { code: 1, errors: "oops" },
    { code: 127 },
    { code: null as never },
    { endedBy: "It took longer than 5 ms and was ended." as never },
    { output: "{broken" },
    { output: '{"hookSpecificOutput": {"hookEventName": "Stop"}}' },
  ];
  for (const failure of failures) {
    const { fault, ...rest } = answer("PreToolUse", failure);
    expect([typeof fault, rest]).toEqual(["string", {}]);
    expect(answer("PreToolUse", failure, true).refusal).toContain("has to succeed");
    expect(answer("PostToolUse", failure, true).refusal).toBeUndefined();
  }
});

test("decisions before a call: what is allowed says nothing, and what is not understood asks", () => {
  const decide = (permissionDecision: string, more = {}) =>
    specific("PreToolUse", { permissionDecision, permissionDecisionReason: "because", ...more });
  expect(decide("allow")).toEqual({});
  expect(decide("deny", { updatedInput: { a: 1 } })).toEqual({ refusal: "because" });
  expect(decide("ask")).toEqual({ ask: expect.stringContaining("because") });
  expect(decide("defer")).toEqual({ ask: expect.stringContaining("because") });
  expect(decide("perhaps")).toEqual({ ask: expect.stringContaining("because") });
  expect(decide("allow", { updatedInput: { a: 1 }, additionalContext: "c" })).toEqual({
    input: { value: { a: 1 } },
    context: "c",
  });
  let deep: unknown = {};
  for (let level = 0; level < 50; level++) deep = { deep };
  for (const updatedInput of ["x", [1], 3, deep])
    expect(decide("allow", { updatedInput }).refusal).toContain("no object");
  expect(printed("PreToolUse", { decision: "block", reason: "old" })).toEqual({ refusal: "old" });
  expect(printed("PreToolUse", { decision: "approve" })).toEqual({});
});

test("answers of the other events, and words for people", () => {
  expect(printed("PostToolUse", { decision: "block", reason: "long line" })).toEqual({
    refusal: "long line",
  });
  expect(specific("PostToolUse", { additionalContext: "12 files" })).toEqual({ context: "12 files" });
  expect(printed("Stop", { decision: "block" })).toEqual({ refusal: "it gives no reason" });
  expect(specific("SubagentStop", {})).toEqual({});
  expect(printed("UserPromptSubmit", { decision: "block", reason: "r" })).toEqual({ refusal: "r" });
  expect(printed("SessionStart", { decision: "block", reason: "r" })).toEqual({});
  expect(printed("PreToolUse", { continue: false, stopReason: "s", systemMessage: "m" })).toEqual({
    halt: "s",
    note: "m",
  });
  expect(answer("SessionStart", { output: "on main\n" })).toEqual({ context: "on main" });
  expect(answer("PostToolUse", { output: "ok\n" })).toEqual({});
  expect(answer("UserPromptSubmit", { output: "x".repeat(30_000) }).context!.length).toBeLessThan(10_100);
});

test("of several answers the strictest counts, and of several inputs the last", () => {
  const input = (a: number) => ({ input: { value: { a } } });
  expect(joinAnswers([])).toEqual({});
  expect(joinAnswers([input(1), { ask: "why" }, input(2), { context: "c" }])).toEqual({
    ask: "why",
    context: "c",
    ...input(2),
  });
  expect(joinAnswers([input(1), { ask: "why" }, { refusal: "a" }, { refusal: "b" }])).toEqual({
    refusal: "a\nb",
  });
  expect(joinAnswers([{ refusal: "a" }, { halt: "h" }])).toEqual({ halt: "h" });
});

test("matchers are names, lists of names, or regular expressions that may match anywhere", () => {
  const takes = (matcher: string | null, ...names: string[]) =>
    names.filter((name) => matchesHook(matcher, name));
  const tools = ["Bash", "Edit", "NotebookEdit", "mcp__shop__sell", "mcp__shop__buy", "delegate"];
  expect(takes(null, ...tools)).toEqual(tools);
  expect(takes("*", ...tools)).toEqual(tools);
  expect(takes("Edit", ...tools)).toEqual(["Edit"]);
  expect(takes("Edit|Bash", ...tools)).toEqual(["Bash", "Edit"]);
  expect(takes("Edit, Bash", ...tools)).toEqual(["Bash", "Edit"]);
  expect(takes("mcp__shop", ...tools)).toEqual([]);
  expect(takes("mcp__shop__.*", ...tools)).toEqual(["mcp__shop__sell", "mcp__shop__buy"]);
  expect(takes("^Edit$", ...tools)).toEqual(["Edit"]);
  expect(takes("Edit.*", ...tools)).toEqual(["Edit", "NotebookEdit"]);
  expect(takes("bash", ...tools)).toEqual([]);
  expect(takes("Task", ...tools)).toEqual(["delegate"]);
  // One that would never end is taken to match, so that a guard is asked.
  expect(takes("^(?:a+)+$", `${"a".repeat(60)}!`)).toHaveLength(1);
});
