import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluate, evaluateForEach, evaluateWhen } from "./evaluate.ts";
import { ExpressionError } from "./expression-error.ts";
import type { Scope } from "./workflow.ts";

const scope: Scope = {
  inputs: {
    count: 3,
    rate: 2.5,
    name: "Ada",
    none: null,
    on: true,
    mixed: [1, 2.5, "x", null],
    tree: { constructor: "c", "a b": 1 },
  },
  steps: {
    list: { output: { files: ["a.ts", "b.ts"], total: 2 }, status: "completed" },
    lint: { output: null, status: "failed" },
    one: { output: [{ k: "text" }], status: "completed" },
    two: { output: [{ k: 1 }], status: "completed" },
  },
  run: { id: "r1", workflow: "review" },
  item: { path: "a.ts" },
  index: 4,
};

const value = (expression: string) => evaluate(`\${{ ${expression} }}`, scope);
const errorOf = (template: unknown): ExpressionError => {
  try {
    evaluate(template, scope);
  } catch (error) {
    expect(error).toBeInstanceOf(ExpressionError);
    return error as ExpressionError;
  }
  throw new Error("nothing was thrown");
};

describe("numbers", () => {
  it.each([
    ["inputs.count + 1", 4],
    ["inputs.count - 1", 2],
    ["inputs.count * 2", 6],
    ["inputs.count % 2", 1],
    ["inputs.count / 2", 1],
    ["inputs.count / 2.0", 1.5],
    ["inputs.count + 1.5", 4.5],
    ["1.5 - inputs.count", -1.5],
    ["inputs.rate + 1", 3.5],
    ["1 + inputs.rate", 3.5],
    ["inputs.rate * inputs.count", 7.5],
    ["inputs.rate / 5", 0.5],
    ["-inputs.count", -3],
    ["inputs.count == 3", true],
    ["inputs.count == 3.0", true],
    ["inputs.count > 2.5", true],
    ["inputs.rate >= 2", true],
    ["inputs.rate == 2.5", true],
    ["inputs.count in [1, 2, 3]", true],
    ["2.5 in inputs.mixed", true],
    ["inputs.mixed[index - 3]", 2.5],
    ["inputs.mixed == [1, 2.5, 'x', null]", true],
    ["string(inputs.count) + ' files'", "3 files"],
    ["double(inputs.count) / 2.0", 1.5],
    ["int(inputs.rate)", 2],
    ["index + 1", 5],
    ["9007199254740991", 9007199254740991],
  ])("%s is %j", (expression, expected) => expect(value(expression)).toBe(expected));
});

describe("everything else that CEL has", () => {
  it.each<[string, unknown]>([
    ["steps.list.output.files", ["a.ts", "b.ts"]],
    ["steps.list.output", { files: ["a.ts", "b.ts"], total: 2 }],
    ["steps['list'].status == 'completed'", true],
    ["steps.lint.output", null],
    ["steps.lint.output == null", true],
    [
      "steps.list.output.files.map(f, {'file': f, 'run': run.id})",
      [
        { file: "a.ts", run: "r1" },
        { file: "b.ts", run: "r1" },
      ],
    ],
    ["steps.list.output.files.filter(f, f.startsWith('b'))", ["b.ts"]],
    ["steps.one.output + steps.two.output", [{ k: "text" }, { k: 1 }]],
    ["size(steps.list.output.files)", 2],
    ["has(inputs.missing) ? inputs.missing : 'default'", "default"],
    ["has(inputs.name)", true],
    ["inputs.tree.constructor", "c"],
    ["inputs.tree['a b']", 1],
    ["inputs.tree.map(key, key)", ["constructor", "a b"]],
    ["item.path", "a.ts"],
    ["run.workflow", "review"],
    ["[1, 'a', null, 2.5, true]", [1, "a", null, 2.5, true]],
    ["{'a': 1, 'b': [1.5]}", { a: 1, b: [1.5] }],
    ["inputs.none", null],
    ["inputs", scope.inputs],
    ["timestamp('2026-01-02T03:04:05Z')", "2026-01-02T03:04:05.000Z"],
    ["duration('-1.5s')", "-1.5s"],
    ["b'hi'", "aGk="],
    ["uint(3) + 1u", 4],
    ["steps.list.output.files.join(', ')", "a.ts, b.ts"],
    ["'a,b'.split(',')", ["a", "b"]],
    ["cel.bind(n, inputs.count, n * n)", 9],
    ['{"a": {"b": "}}"}}', { a: { b: "}}" } }],
  ])("%s", (expression, expected) => expect(value(expression)).toEqual(expected));
});

describe("templates", () => {
  it("keep the type of a sole expression and make text of any other", () => {
    expect(evaluate("${{ inputs.count }}", scope)).toBe(3);
    expect(evaluate("  ${{ inputs.on }}\n", scope)).toBe(true);
    expect(evaluate("${{ inputs.name }} has ${{ inputs.count }}: ${{ inputs.mixed }}", scope)).toBe(
      'Ada has 3: [1,2.5,"x",null]',
    );
  });

  it("are filled in at every depth, and their other values stay", () => {
    const template = { a: [{ b: "${{ index }}" }, 1, null, true, "plain"], "${{ x }}": 2.5 };
    expect(evaluate(template, scope)).toEqual({ a: [{ b: 4 }, 1, null, true, "plain"], "${{ x }}": 2.5 });
    expect(evaluate(undefined, scope)).toBeUndefined();
  });

  it("can say the braces themselves", () => {
    expect(evaluate('write ${{ "${{ x }}" }}', scope)).toBe("write ${{ x }}");
  });

  it("give results that nothing in the scope depends on", () => {
    const output = value("steps.list.output") as { files: string[] };
    output.files.push("c.ts");
    expect(value("size(steps.list.output.files)")).toBe(2);
  });

  it("carry a member called __proto__ as data", () => {
    const hostile: Scope = { ...scope, item: JSON.parse('{"__proto__": {"admin": true}}') };
    const result = evaluate("${{ item }}", hostile) as Record<string, unknown>;
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
    expect(Object.hasOwn(result, "__proto__")).toBe(true);
  });
});

describe("errors", () => {
  it.each([
    ["inputs.missing", 'there is no member "missing"'],
    ["item.toString", 'there is no member "toString"'],
    ["'a' + inputs.count", "no such overload: string + int"],
    ["inputs.count / 0", "division by zero"],
    ["inputs.mixed[9]", "9"],
    ["result", "unknown variable: result"],
    ["steps.absent.output", 'there is no member "absent"'],
    ["0.0 / 0.0", "the result is NaN, which JSON can't say"],
    ["type(1)", "the result is no JSON value"],
    ["9007199254740992", "too large for JSON"],
    ["timestamp('2026-01-01T00:00:00Z').getHours('Mars/Olympus')", "time zone"],
    ["'a'.matches('(a+)+$')", "matches() is not offered"],
    ["{'constructor': 1}", '"constructor" can\'t be a key here'],
    ["1 +", "unexpected token: the end of the expression"],
    ["", "the expression is empty"],
    ["nope(1)", 'there is no function "nope"'],
    ["'x' * 2", "no such overload"],
  ])("%s: %s", (expression, reason) => {
    const error = errorOf(`\${{ ${expression} }}`);
    expect(error.reason).toContain(reason);
    expect(error.expression.trim()).toBe(expression);
  });

  it("name the expression and give a hint", () => {
    const error = errorOf({ a: ["${{ inputs.missing }}"] });
    expect(error.message).toBe('${{ inputs.missing }}: there is no member "missing"');
    expect(error.hint).toBe("has(a.b) says whether a has a member b");
  });

  it("tell a brace that is never closed", () => {
    expect(errorOf("a ${{ inputs.count").reason).toBe('a "${{" has no "}}"');
  });

  it("refuse values with a cycle, in the scope and in the template", () => {
    const loop: Record<string, unknown> = {};
    loop.loop = loop;
    expect(() => evaluate("${{ item }}", { ...scope, item: loop })).toThrow(ExpressionError);
    expect(() => evaluate(loop, scope)).toThrow(ExpressionError);
  });
});

describe("evaluateWhen and evaluateForEach", () => {
  it("give a boolean and a list", () => {
    expect(evaluateWhen({ when: undefined }, scope)).toBe(true);
    expect(evaluateWhen({ when: "inputs.count > 5" }, scope)).toBe(false);
    expect(evaluateForEach({ forEach: "${{ steps.list.output.files }}" }, scope)).toEqual(["a.ts", "b.ts"]);
    expect(evaluateForEach({ forEach: [1, "${{ inputs.count }}"] }, scope)).toEqual([1, 3]);
  });

  it("refuse everything else", () => {
    expect(() => evaluateWhen({ when: "inputs.count" }, scope)).toThrow(
      '${{ inputs.count }}: "when" must give true or false, not 3',
    );
    expect(() => evaluateForEach({ forEach: "${{ inputs.name }}" }, scope)).toThrow(
      '"for-each" must give a list',
    );
    const many: Scope = { ...scope, item: new Array(10_001).fill(0) };
    expect(() => evaluateForEach({ forEach: "${{ item }}" }, many)).toThrow("10000 are the most");
  });
});

describe("whatever the expression", () => {
  const words = [
    "inputs",
    "steps",
    "item",
    "list",
    "x",
    "map",
    "has",
    "1",
    "2.5",
    "'s'",
    "true",
    "null",
    "in",
  ];
  const signs = [
    ".",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "?",
    "+",
    "-",
    "*",
    "/",
    "%",
    "==",
    "&&",
    "||",
    "!",
    "<",
    " ",
  ];
  const token = fc.constantFrom(...words, ...signs);
  const soup = fc.array(token, { maxLength: 14 }).map((tokens) => tokens.join(""));

  it("nothing but an ExpressionError is ever thrown, and results are JSON", () => {
    fc.assert(
      fc.property(fc.oneof(soup, fc.string()), fc.jsonValue(), (expression, item) => {
        try {
          const result = evaluate(`\${{ ${expression} }}`, { ...scope, item });
          expect(JSON.parse(JSON.stringify(result))).toEqual(result);
        } catch (error) {
          if (!(error instanceof ExpressionError)) throw error;
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it("a value that goes through an expression comes out as it went in", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (item) => {
        // JSON has one zero, and so has CEL's int.
        const plain = JSON.parse(JSON.stringify(item));
        expect(evaluate("${{ item }}", { ...scope, item: plain })).toEqual(plain);
      }),
      { numRuns: 500 },
    );
  });
});
