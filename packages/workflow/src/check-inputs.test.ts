import { describe, expect, it } from "vitest";
import { checkInputs } from "./check-inputs.ts";
import { coerceInput } from "./coerce-input.ts";
import { parseWorkflow } from "./read-workflow.ts";
import type { Workflow } from "./workflow.ts";

const { workflow, problems: mistakes } = parseWorkflow(`
name: x
inputs:
  path: { type: string, format: path, default: ".", description: Folder to read. }
  count: { type: integer, minimum: 1, description: How many. }
  rate: { type: number, required: false }
  dry: { type: boolean, default: false }
  tags: { type: array, items: { type: string }, default: [] }
  more: { type: object, required: false }
  mode: { enum: [fast, slow], default: fast }
  maybe: { type: [integer, "null"], required: false }
  slow: { type: string, pattern: "^(a+)+$", required: false }
steps:
  a: { capability: c }
`);
if (workflow === undefined) throw new Error(JSON.stringify(mistakes));
const known: Workflow = workflow;

describe("checkInputs", () => {
  it("fills in defaults and leaves the given object alone", () => {
    const given = { count: 2 };
    const { inputs, problems } = checkInputs(known, given);
    expect(problems).toEqual([]);
    expect(inputs).toEqual({ count: 2, path: ".", dry: false, tags: [], mode: "fast" });
    expect(given).toEqual({ count: 2 });
    (inputs.tags as string[]).push("x");
    expect(checkInputs(known, given).inputs.tags).toEqual([]);
  });

  it.each<[Record<string, unknown>, string, string | undefined]>([
    [{}, 'the input "count" is missing', "How many."],
    [{ count: 1, pth: "x" }, 'there is no input "pth"', 'did you mean "path"?'],
    [
      { count: 1, ["__proto__"]: 1 },
      'there is no input "__proto__"',
      expect.stringContaining("there are: path, count"),
    ],
    [{ count: "1" }, 'the input "count" is wrong: must be integer', undefined],
    [{ count: 0 }, 'the input "count" is wrong: must be >= 1', undefined],
    [{ count: 1, tags: ["a", 2] }, 'the input "tags" is wrong: 1 must be string', undefined],
    [
      { count: 1, mode: "other" },
      'the input "mode" is wrong: must be equal to one of the allowed values: "fast", "slow"',
      undefined,
    ],
  ])("refuses %j", (given, message, hint) => {
    expect(checkInputs(known, given).problems.map((problem) => [problem.message, problem.hint])).toEqual([
      [message, hint],
    ]);
  });

  it("ends a pattern that backtracks for ever", () => {
    const { problems } = checkInputs(known, { count: 1, slow: `${"a".repeat(40)}b` });
    expect(problems[0]?.message).toContain("takes longer than 1000 ms");
  });
});

describe("coerceInput", () => {
  it.each<[string, string, unknown]>([
    ["path", "12", "12"],
    ["path", "", ""],
    ["count", "12", 12],
    ["count", "-3", -3],
    ["rate", "2.5", 2.5],
    ["rate", "1e3", 1000],
    ["dry", "true", true],
    ["dry", "false", false],
    ["tags", '["a"]', ["a"]],
    ["more", '{"a": 1}', { a: 1 }],
    ["mode", "fast", "fast"],
    ["maybe", "null", null],
    ["maybe", "7", 7],
  ])("%s=%s", (name, text, value) => {
    expect(coerceInput(known, name, text)).toEqual({ value, problem: undefined });
  });

  it.each([
    ["count", "x", 'the input "count" must be a whole number, and "x" is not'],
    ["count", "1.5", 'the input "count" must be a whole number, and "1.5" is not'],
    ["rate", "", 'the input "rate" must be a number, and "" is not'],
    ["dry", "yes", 'the input "dry" must be true or false, and "yes" is not'],
    ["tags", "a,b", 'the input "tags" must be a list as JSON, such as ["a", "b"], and "a,b" is not'],
    ["more", "[1]", 'the input "more" must be an object as JSON, such as {"a": 1}, and "[1]" is not'],
    ["maybe", "x", 'the input "maybe" must be null or a whole number, and "x" is not'],
    ["cuont", "1", 'there is no input "cuont"'],
    ["constructor", "1", 'there is no input "constructor"'],
  ])("refuses %s=%s", (name, text, message) => {
    const { value, problem } = coerceInput(known, name, text);
    expect(value).toBeUndefined();
    expect(problem?.message).toBe(message);
  });
});
