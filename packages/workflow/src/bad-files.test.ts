import { describe, expect, it } from "vitest";
import { formatProblem } from "./problems.ts";
import { parseWorkflow, readWorkflow } from "./read-workflow.ts";

/** A bad file and what must be said about it, line by line. */
interface BadFile {
  what: string;
  text: string;
  says: string[];
}

/** A file with one step, to put a mistake into. */
const step = (...lines: string[]) =>
  ["name: x", "steps:", "  a:", "    capability: c", ...lines.map((line) => `    ${line}`)].join("\n");

const yamlMistakes: BadFile[] = [
  {
    what: "nothing",
    text: "",
    says: ["f:1:1: the workflow is empty (it needs at least `name` and `steps`)"],
  },
  {
    what: "comments alone",
    text: "# later\n",
    says: ["f:1:1: the workflow is empty (it needs at least `name` and `steps`)"],
  },
  {
    what: "a list",
    text: "- a",
    says: ["f:1:1: a workflow must be an object, not a list (it needs at least `name` and `steps`)"],
  },
  {
    what: "a tab",
    text: "name: x\nsteps:\n\ta: 1",
    says: ["f:3:1: Tabs are not allowed as indentation (indent with spaces)"],
  },
  {
    what: "a quote that is never closed",
    text: 'name: "x\nsteps: {}',
    says: ['f:2:10: Missing closing "quote (is a closing quote or bracket missing?)'],
  },
  {
    what: "two documents",
    text: "name: x\n---\nname: y",
    says: [expect.stringContaining("one file holds one workflow")],
  },
  {
    what: "a tag",
    text: "name: !secret x",
    says: ["f:1:7: Unresolved tag: !secret (YAML tags such as !name are not supported)"],
  },
  {
    what: "an expression in braces without quotes",
    text: step("with: {file: ${{ inputs.a }}}"),
    says: ['f:5:19: Unexpected flow-map-start at node end (put the expression in quotes: "${{ … }}")'],
  },
  {
    what: "an expression with a colon without quotes",
    text: step("when: ${{ true ? true : false }}"),
    says: [
      'f:5:11: Nested mappings are not allowed in compact mappings (put the expression in quotes: "${{ … }}")',
    ],
  },
  { what: "a key twice", text: "name: x\nname: y\nsteps: {}", says: ['f:2:1: the key "name" is here twice'] },
  { what: "a step twice", text: step("with: 1", "with: 2"), says: ['f:6:5: the key "with" is here twice'] },
  {
    what: "__proto__",
    text: step("with:", "  __proto__: 1"),
    says: ['f:6:7: the key "__proto__" is not allowed'],
  },
  {
    what: "a list as a key",
    text: step("with:", "  ? [a]", "  : 1"),
    says: ["f:6:9: a key must be plain text"],
  },
  { what: "an infinite number", text: step("with: .inf"), says: ["f:5:11: .inf is no JSON number"] },
  { what: "an unknown alias", text: step("with: *nobody"), says: [expect.stringContaining("f:5:11:")] },
  {
    what: "an alias inside itself",
    text: step("with: &a [*a]"),
    says: ['f:5:15: the alias "*a" is inside the value that it stands for'],
  },
  {
    what: "a merge key",
    text: "name: x\nsteps:\n  a: &a {capability: c}\n  b:\n    <<: *a",
    says: [
      'f:4:3: the step "b" says neither "capability" nor "agent" (name the capability that it needs, or the agent that shall do it)',
      'f:5:5: unknown key "<<" (YAML merge keys are not supported; write the values out)',
    ],
  },
  {
    what: "an alias bomb",
    text: `a: &a [${"x,".repeat(9)}]\nb: &b [${"*a,".repeat(9)}]\nc: &c [${"*b,".repeat(9)}]\nd: [${"*c,".repeat(9)}]`,
    says: ["f:3:8: more than 100 YAML aliases (write the values out)"],
  },
  {
    what: "too many bytes",
    text: `name: ${"x".repeat(256 * 1024)}`,
    says: [
      "f:1:1: the workflow has 262150 bytes; at most 262144 are allowed (hand large data in through inputs instead)",
    ],
  },
  {
    what: "too many brackets",
    text: "[".repeat(10_000),
    says: [expect.stringContaining("the document is nested too deeply")],
  },
  {
    what: "too many levels",
    text: step(`with: ${"[".repeat(70)}${"]".repeat(70)}`),
    says: ["f:5:73: nested more than 64 levels deep"],
  },
];

const shapeMistakes: BadFile[] = [
  { what: "no name", text: "steps: {a: {capability: c}}", says: ['f:1:1: "name" is missing'] },
  { what: "no steps", text: "name: x", says: ['f:1:1: "steps" is missing'] },
  {
    what: "empty steps",
    text: "name: x\nsteps: {}",
    says: ['f:2:8: "steps" is empty (write at least one step)'],
  },
  {
    what: "steps that are a list",
    text: "name: x\nsteps: [{capability: c}]",
    says: ['f:2:8: "steps" must be an object, not a list'],
  },
  {
    what: "a number as name",
    text: "name: 5\nsteps: {a: {capability: c}}",
    says: ['f:1:7: "name" must be a string, not a number'],
  },
  {
    what: "a key with a slip",
    text: step("tiemout: 5s"),
    says: ['f:5:5: unknown key "tiemout" (did you mean "timeout"?)'],
  },
  {
    what: "a key of another system",
    text: step("if: true"),
    says: ['f:5:5: unknown key "if" (did you mean "when"?)'],
  },
  {
    what: "foreach",
    text: step("foreach: [1]"),
    says: ['f:5:5: unknown key "foreach" (did you mean "for-each"?)'],
  },
  {
    what: "depends_on",
    text: step("depends_on: []"),
    says: ['f:5:5: unknown key "depends_on" (did you mean "needs"?)'],
  },
  {
    what: "an unknown key",
    text: step("consent: true"),
    says: [
      'f:5:5: unknown key "consent" (possible here: capability, agent, with, needs, for-each, when, join, retry, timeout, priority, approve, output)',
    ],
  },
  {
    what: "an approval by a person and a capability",
    text: step("approve: {person: anna, capability: lead}"),
    says: ['f:5:14: "approve" names a person and a capability (name one of them)'],
  },
  {
    what: "an approval that expires at once",
    text: step("approve: {expire: 10ms}"),
    says: ['f:5:23: "expire" must be a second at least'],
  },
  {
    what: "a question about what is not there",
    text: step('approve: {question: "${{ steps.nowhere.output }}"}'),
    says: ['f:5:36: there is no step "nowhere" (there are: a)'],
  },
  {
    what: "an unknown key at the top",
    text: "name: x\njobs: {}\nsteps: {a: {capability: c}}",
    says: ['f:2:1: unknown key "jobs" (did you mean "steps"?)'],
  },
  {
    what: "neither capability nor agent",
    text: "name: x\nsteps:\n  a:\n    with: 1",
    says: [
      'f:3:3: the step "a" says neither "capability" nor "agent" (name the capability that it needs, or the agent that shall do it)',
    ],
  },
  {
    what: "an empty step",
    text: "name: x\nsteps:\n  a:",
    says: ['f:3:5: "a" must be an object, and is empty'],
  },
  {
    what: "a hyphen in a step's name",
    text: "name: x\nsteps:\n  list-files: {capability: c}",
    says: [
      `f:3:3: "list-files" can't be the name of a step (letters, digits and _ only, starting with a letter, so that expressions can say steps.NAME, such as "list_files")`,
    ],
  },
  {
    what: "a reserved name",
    text: "name: x\nsteps:\n  in: {capability: c}",
    says: [expect.stringContaining(`"in" can't be the name of a step`)],
  },
  {
    what: "a bad capability",
    text: "name: x\nsteps:\n  a: {capability: code review}",
    says: ['f:3:19: "capability" must be the name of a capability: letters, digits and . _ : / -'],
  },
  {
    what: "an expression where none may be",
    text: step("timeout: ${{ inputs.t }}"),
    says: [
      'f:5:14: "timeout" must be a duration such as 30s, 5m or 1h30m (expressions may stand in with, for-each, when and output only)',
    ],
  },
  {
    what: "a bad duration",
    text: step("timeout: 5 minutes"),
    says: ['f:5:14: "timeout" must be a duration such as 30s, 5m or 1h30m'],
  },
  {
    what: "a duration of a wrong kind",
    text: step("timeout: [5]"),
    says: ['f:5:14: "timeout" must be a duration such as 30s, 5m or 1h30m, or a number of seconds'],
  },
  {
    what: "too long a duration",
    text: step("timeout: 8d"),
    says: ['f:5:14: "timeout" must be between 1ms and 7d'],
  },
  {
    what: "no time at all",
    text: step("timeout: 0s"),
    says: ['f:5:14: "timeout" must be between 1ms and 7d'],
  },
  {
    what: "a priority with a slip",
    text: step("priority: hihg"),
    says: [
      'f:5:15: "priority" must be one of critical, high, medium, low, background (did you mean "high"?)',
    ],
  },
  {
    what: "an unknown join",
    text: step("join: some"),
    says: ['f:5:11: "join" must be one of all, settled, any'],
  },
  { what: "retry 0", text: step("retry: 0"), says: ['f:5:12: "retry" must be >= 1'] },
  {
    what: "a slip in retry",
    text: step("retry: {attempt: 3}"),
    says: ['f:5:13: unknown key "attempt" (did you mean "attempts"?)'],
  },
  {
    what: "a bad value in retry",
    text: step("retry: {attempts: many, delay: x}"),
    says: [
      'f:5:23: "attempts" must be an integer, not a string',
      'f:5:36: "delay" must be a duration such as 30s, 5m or 1h30m',
    ],
  },
  {
    what: "a retry that contradicts itself",
    text: step("retry: {delay: 10s, max-delay: 5s, never: [x], always: [x]}"),
    says: ['f:5:36: "max-delay" is shorter than "delay"', 'f:5:60: "always" names "x", as "never" does'],
  },
  {
    what: "a jitter that is none",
    text: step("retry: {jitter: some}"),
    says: ['f:5:21: "jitter" must be a share from 0 to 1 by which a delay may vary, or full'],
  },
  {
    what: "a jitter of the wrong kind",
    text: step("retry: {jitter: true}"),
    says: ['f:5:21: "jitter" must be a share from 0 to 1 by which a delay may vary, or full'],
  },
  {
    what: "a wrong kind of retry",
    text: step("retry: often"),
    says: [
      'f:5:12: "retry" must be a number of attempts, or an object with attempts, backoff, delay, factor, max-delay, jitter, never and always',
    ],
  },
  {
    what: "needs that are no names",
    text: step("needs: [1]"),
    says: ['f:5:13: "needs[0]" must be a string, not a number'],
  },
];

const graphMistakes: BadFile[] = [
  { what: "an unknown need", text: step("needs: b"), says: ['f:5:12: there is no step "b" (there are: a)'] },
  {
    what: "a need with a slip",
    text: "name: x\nsteps:\n  review: {capability: c}\n  b:\n    capability: c\n    needs: [reveiw]",
    says: ['f:6:13: there is no step "reveiw" (did you mean "review"?)'],
  },
  { what: "a step that needs itself", text: step("needs: [a]"), says: ['f:5:13: the step "a" needs itself'] },
  {
    what: "a need twice",
    text: "name: x\nsteps:\n  a: {capability: c}\n  b: {capability: c, needs: [a, a]}",
    says: ['f:4:33: "a" is needed twice (take one away)'],
  },
  {
    what: "a circle",
    text: "name: x\nsteps:\n  a: {capability: c, needs: c}\n  b: {capability: c, needs: a}\n  c: {capability: c, needs: b}",
    says: [
      "f:3:29: the steps need each other in a circle: a → c → b → a (an arrow means needs; take one of them away)",
    ],
  },
];

const expressionMistakes: BadFile[] = [
  {
    what: "no end",
    text: step("with: a ${{ 1"),
    says: ['f:5:16: a "${{" has no "}}" (for the text itself write ${{ "${{" }})'],
  },
  {
    what: "nothing inside",
    text: step("with: ${{ }}"),
    says: ["f:5:14: the expression is wrong: the expression is empty"],
  },
  {
    what: "bad syntax",
    text: step("with: ${{ 1 + * 2 }}"),
    says: ["f:5:19: the expression is wrong: unexpected token: MULTIPLY"],
  },
  {
    what: "bad syntax in the second of two",
    text: step("with: ${{ 1 }} and ${{ (2 }}"),
    says: ["f:5:31: the expression is wrong: expected RPAREN, got the end of the expression"],
  },
  {
    what: "bad syntax on a later line",
    text: step("with: |", "  one", "  two ${{ 1 + }}"),
    says: ["f:7:19: the expression is wrong: unexpected token: the end of the expression"],
  },
  {
    what: "an unknown function",
    text: step("with: ${{ sizze([]) }}"),
    says: ['f:5:15: the expression is wrong: there is no function "sizze" (did you mean "size"?)'],
  },
  {
    what: "types that do not go together",
    text: step("with: ${{ 'a' + 1 }}"),
    says: [
      "f:5:15: the expression is wrong: no such overload: string + int (string(x) makes text of a number)",
    ],
  },
  {
    what: "an unknown variable",
    text: step("with: ${{ input.a }}"),
    says: ['f:5:15: there is no variable "input" here (did you mean "inputs"?)'],
  },
  {
    what: "a variable of another system",
    text: step("with: ${{ github.sha }}"),
    says: ['f:5:15: there is no variable "github" here (there are: inputs, steps, run)'],
  },
  {
    what: "an unknown input",
    text: `inputs: {path: {type: string}}\n${step("with: ${{ inputs.pth }}")}`,
    says: ['f:6:22: there is no input "pth" (did you mean "path"?)'],
  },
  {
    what: "an input of a workflow without any",
    text: step('with: ${{ inputs["a"] }}'),
    says: ['f:5:22: there is no input "a" (the workflow has no inputs)'],
  },
  {
    what: "an unknown member of run",
    text: step("with: ${{ run.name }}"),
    says: ['f:5:19: a run has no "name" (there are run.id and run.workflow)'],
  },
  {
    what: "an unknown step",
    text: step("with: ${{ steps.b.output }}"),
    says: ['f:5:21: there is no step "b" (there are: a)'],
  },
  {
    what: "its own output",
    text: step("with: ${{ steps.a.output }}"),
    says: ['f:5:21: the step "a" can\'t use its own output (in its "output" that is "result")'],
  },
  {
    what: "all steps",
    text: step("with: ${{ steps }}"),
    says: ['f:5:15: "steps" must be followed by the name of a step (such as steps.NAME.output)'],
  },
  {
    what: "a computed step",
    text: step("with: ${{ steps[run.id].output }}"),
    says: ['f:5:15: "steps" must be followed by the name of a step (such as steps.NAME.output)'],
  },
  {
    what: "item without for-each",
    text: step("with: {f: '${{ item }}'}"),
    says: [
      'f:5:20: there is no variable "item" here ("item" exists in the "with" of a step that has a for-each)',
    ],
  },
  {
    what: "item in when",
    text: step("for-each: [1]", "when: item > 1"),
    says: [
      'f:6:11: there is no variable "item" here ("item" exists in the "with" of a step that has a for-each)',
    ],
  },
  {
    what: "result in with",
    text: step("with: ${{ result }}"),
    says: ['f:5:15: there is no variable "result" here ("result" exists in the "output" of a step)'],
  },
  {
    what: "the name of a step alone",
    text: "name: x\nsteps:\n  list: {capability: c}\n  b:\n    capability: c\n    needs: list\n    for-each: list.files",
    says: ['f:7:15: there is no variable "list" here (did you mean "steps.list.output"?)'],
  },
  {
    what: "a when that is a number",
    text: step("when: 1 + 1"),
    says: ['f:5:11: "when" must give true or false, and this gives int'],
  },
  {
    what: "a for-each that is text",
    text: step("for-each: \"'abc'\""),
    says: ['f:5:15: "for-each" must give a list, and this gives string'],
  },
  {
    what: "a when of two expressions",
    text: step("when: ${{ true }} ${{ false }}"),
    says: ['f:5:11: "when" must be one expression and nothing else'],
  },
  {
    what: "too long an expression",
    text: step(`with: \${{ ${"1 + ".repeat(1_100)}1 }}`),
    says: ["f:5:15: the expression is wrong: the expression has 4403 characters; 4096 are the most"],
  },
  {
    what: "too complex an expression",
    text: step(`with: \${{ ${"(".repeat(60)}1${")".repeat(60)} }}`),
    says: [expect.stringContaining("the expression is too long or nested too deeply")],
  },
  {
    what: "a pattern",
    text: step("with: ${{ run.id.matches('a') }}"),
    says: [
      "f:5:15: the expression is wrong: matches() is not offered (use startsWith, endsWith or contains)",
    ],
  },
  {
    what: "a step that is not needed",
    text: "name: x\nsteps:\n  a: {capability: c}\n  b:\n    capability: c\n    with: ${{ steps.a.output }}",
    says: ['f:6:21: the step "b" uses the step "a" without needing it (add a to the needs of b)'],
  },
  {
    what: "a slip behind a step",
    text: "name: x\nsteps:\n  a: {capability: c}\noutput: ${{ steps.a.outputs }}",
    says: ['f:4:21: a step has no "outputs" (did you mean "output"?)'],
  },
];

const inputMistakes: BadFile[] = [
  {
    what: "no schema",
    text: `inputs: {a: string}\n${step()}`,
    says: ['f:1:13: "a" must be an object, not a string'],
  },
  {
    what: "a bad name",
    text: `inputs: {my-path: {}}\n${step()}`,
    says: [expect.stringContaining(`"my-path" can't be the name of an input`)],
  },
  {
    what: "an unknown keyword",
    text: `inputs:\n  a: {typ: string}\n${step()}`,
    says: [
      'f:2:3: the input "a" has a bad schema: unknown keyword: "typ" (an input is a JSON Schema (draft 2020-12), such as {type: string})',
    ],
  },
  {
    what: "an unknown type",
    text: `inputs:\n  a: {type: text}\n${step()}`,
    says: [expect.stringContaining('f:2:3: the input "a" has a bad schema: schema is invalid')],
  },
  {
    what: "a bad pattern",
    text: `inputs:\n  a: {type: string, pattern: "("}\n${step()}`,
    says: [expect.stringContaining('f:2:3: the input "a" has a bad schema: Invalid regular expression')],
  },
  {
    what: "a bad default",
    text: `inputs:\n  a: {type: integer, default: x}\n${step()}`,
    says: ['f:2:31: the default of "a" breaks its schema: must be integer'],
  },
  {
    what: "a default that is required",
    text: `inputs:\n  a: {default: x, required: true}\n${step()}`,
    says: ['f:2:19: the input "a" has a default, so it can\'t be required (take one of the two away)'],
  },
  {
    what: "too large a schema",
    text: `inputs:\n  a: {enum: [${Array.from({ length: 20_000 }, (_, i) => i).join(",")}]}\n${step()}`,
    says: ['f:2:6: the schema of "a" has more than 65536 characters'],
  },
  {
    what: "one id for two",
    text: `inputs:\n  a: {$id: "urn:x"}\n  b: {$id: "urn:x"}\n${step()}`,
    says: [expect.stringContaining("f:1:1: the inputs have bad schemas")],
  },
];

const check = ({ text, says }: BadFile) => {
  const { workflow, problems } = parseWorkflow(text);
  expect(problems.map((problem) => formatProblem(problem, "f"))).toEqual(says);
  expect(workflow).toBeUndefined();
};

describe("bad YAML", () => it.each(yamlMistakes)("$what", check));
describe("bad shapes", () => it.each(shapeMistakes)("$what", check));
describe("bad graphs", () => it.each(graphMistakes)("$what", check));
describe("bad expressions", () => it.each(expressionMistakes)("$what", check));
describe("bad inputs", () => it.each(inputMistakes)("$what", check));

describe("several mistakes", () => {
  it("are reported together in the order of the lines", () => {
    const text = [
      "nmae: x",
      "inputs:",
      "  path: {type: strin}",
      "steps:",
      "  a:",
      "    capability: c",
      "    needs: [b, zz]",
      '    with: {x: "${{ inputs.pth }} ${{ item }}"}',
      "  b:",
      "    capability: [c]",
      "    needs: a",
    ].join("\n");
    const { problems } = parseWorkflow(text);
    expect(problems.map(({ line, column }) => [line, column])).toEqual([
      [1, 1],
      [1, 1],
      [3, 3],
      [7, 12],
      [7, 16],
      [8, 27],
      [8, 38],
      [10, 17],
    ]);
    expect(problems.map(({ path }) => path)).toEqual([
      "",
      "nmae",
      "inputs.path",
      "steps.a.needs",
      "steps.a.needs[1]",
      "steps.a.with.x",
      "steps.a.with.x",
      "steps.b.capability",
    ]);
  });

  it("are cut off at a hundred, and say so", () => {
    const { problems } = parseWorkflow(Array.from({ length: 150 }, (_, i) => `key${i}: 1`).join("\n"));
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)?.message).toBe("and 52 more problems");
  });
});

describe("documents that come as JSON", () => {
  it.each([...shapeMistakes, ...graphMistakes, ...expressionMistakes, ...inputMistakes])(
    "$what",
    ({ text }) => {
      const fromText = parseWorkflow(text);
      const fromJson = readWorkflow(JSON.parse(JSON.stringify(fromText.document)));
      const withoutPlace = fromText.problems.map(({ message, hint, path }) => ({ message, hint, path }));
      expect(fromJson.problems.map(({ message, hint, path }) => ({ message, hint, path }))).toEqual(
        expect.arrayContaining(withoutPlace),
      );
      expect(fromJson.problems).toHaveLength(withoutPlace.length);
      expect(fromJson.problems.every(({ line, column }) => line === undefined && column === undefined)).toBe(
        true,
      );
    },
  );

  it("are bounded and plain", () => {
    const loop: Record<string, unknown> = {};
    loop.loop = loop;
    const messages = (document: unknown) => readWorkflow(document).problems.map(({ message }) => message);
    expect(messages(undefined)).toEqual(["a value of type undefined is no JSON"]);
    expect(messages(null)).toEqual(["the workflow is empty"]);
    expect(messages([])).toEqual(["a workflow must be an object, not a list"]);
    expect(messages(loop)).toEqual(["nested more than 64 levels deep"]);
    expect(messages({ name: "x".repeat(300_000) })).toEqual(["the workflow has more than 262144 bytes"]);
    expect(messages(new Array(100_001).fill(0))).toEqual(["the document has more than 100000 values"]);
    expect(messages({ name: () => {} })).toEqual(["a value of type function is no JSON"]);
    expect(messages(JSON.parse('{"__proto__": {"name": "x"}}'))).toEqual([
      'the key "__proto__" is not allowed',
    ]);
  });
});
