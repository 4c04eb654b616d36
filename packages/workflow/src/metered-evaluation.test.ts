import { describe, expect, it } from "vitest";
import { evaluate } from "./evaluate.ts";
import { compileExpression } from "./expression.ts";
import { ExpressionError } from "./expression-error.ts";
import { createMeter, withMeter } from "./metered-evaluation.ts";
import type { Scope } from "./workflow.ts";

const numbers = Array.from({ length: 10_000 }, (_, i) => i);
const scope: Scope = {
  inputs: {
    numbers,
    tooMany: Array.from({ length: 10_001 }, (_, i) => i),
    long: "a".repeat(500_000),
    part: `b${"a".repeat(250_000)}`,
  },
  steps: {},
  run: { id: "r", workflow: "w" },
};

function unitsOf(source: string): number {
  const meter = createMeter();
  const before = meter.units;
  withMeter(meter, () => compileExpression(source).evaluate({}));
  return before - meter.units;
}

describe("the meter", () => {
  it("is charged for every node, the first time as every other time", () => {
    const first = unitsOf("[1, 2, 3, 4].map(x, x + 1).size() == 4");
    expect(first).toBeGreaterThan(4 * 3);
    expect(unitsOf("[1, 2, 3, 4].map(x, x + 1).size() == 4")).toBe(first);
  });

  it("grows with the work", () => {
    const list = (length: number) => `[${numbers.slice(0, length).join(",")}]`;
    const few = unitsOf(`${list(10)}.filter(x, x > 3)`);
    const many = unitsOf(`${list(100)}.filter(x, x > 3)`);
    expect(many).toBeGreaterThan(few + 90 * 3);
  });

  it("lets ordinary work through", () => {
    const template = "${{ inputs.numbers.filter(n, n % 2 == 0).map(n, {'n': n}).size() }}";
    expect(evaluate(template, scope)).toBe(5_000);
  });
});

describe("a hostile expression ends soon", () => {
  const chain = (start: string, step: string) => start + `.map(a, ${step})`.repeat(40);
  it.each([
    ["nested loops", "inputs.numbers.map(a, inputs.numbers.map(b, inputs.numbers.map(c, 1)))"],
    [
      "loops that swallow errors",
      "inputs.numbers.all(a, inputs.numbers.all(b, inputs.numbers.all(c, c.foo)))",
    ],
    ["loops that swallow the end", `${"inputs.numbers.exists(a, ".repeat(20)}false${")".repeat(20)}`],
    ["an overdraft that `||` would swallow", "inputs.numbers.all(a, inputs.numbers.all(b, b >= 0)) || true"],
    ["too long a list", "inputs.tooMany.map(a, a)"],
    ["a list that doubles", `${chain("[[1]]", "a + a")}.size()`],
    ["a text that doubles", `${chain("['xx']", "a + a")}.size()`],
    ["a tree that doubles", chain("[1]", "[a, a]")],
    ["comparing trees that double", `${chain("[1]", "[a, a]")} == ${chain("[1]", "[a, a]")}`],
    ["finding a tree that doubles", `${chain("[1]", "[a, a]")} in [${chain("[1]", "[a, a]")}]`],
    ["searching a text", "inputs.long.contains(inputs.part)"],
    ["joining texts", "inputs.numbers.map(n, inputs.long).join(inputs.long)"],
    ["joining with a long text", "inputs.numbers.map(n, 'a').join(inputs.long)"],
    ["counting a text again and again", "inputs.numbers.map(n, size(inputs.long))"],
    ["comparing lists again and again", "inputs.numbers.filter(n, inputs.numbers == inputs.numbers)"],
    ["a result that is too large", "inputs.numbers.map(n, inputs.part)"],
    ["deep recursion", `${"!".repeat(3_000)}true`],
    ["deep parentheses", `${"(".repeat(2_000)}1${")".repeat(2_000)}`],
    ["a long sum", `1${"+1".repeat(2_000)}`],
    ["a long expression", `"${"a".repeat(5_000)}"`],
  ])("%s", (_name, expression) => {
    expect(() => evaluate(`\${{ ${expression} }}`, scope)).toThrow(ExpressionError);
  });

  it("also when many share one template", () => {
    const one = "${{ inputs.numbers.all(n, n >= 0) }}";
    expect(evaluate(one, scope)).toBe(true);
    expect(() => evaluate(new Array(100).fill(one), scope)).toThrow("costs too much");
  });
});
