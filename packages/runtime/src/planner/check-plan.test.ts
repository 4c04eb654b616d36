import { describe, expect, test } from "vitest";
import type { FinishedSteps } from "./carry-out.ts";
import { checkPlan } from "./check-plan.ts";
import { describePlan } from "./describe-plan.ts";
import { estimatePlan } from "./estimate-plan.ts";
import type { Offer } from "./find-offers.ts";
import { readGoal } from "./goal.ts";

const unknown = {
  cost: { micros: null, basis: "unknown" },
  duration: { ms: null, basis: "unknown" },
} as const;
const schema = {
  type: "object",
  required: ["what"],
  additionalProperties: false,
  properties: { what: { $ref: "#/$defs/word" }, often: { type: "integer", maximum: 9 } },
  $defs: { word: { type: "string", minLength: 2 } },
};
const offers: Offer[] = [
  { capability: "chop", description: "", agents: ["cook"], inputSchema: schema, ...unknown },
  {
    capability: "boil",
    description: "",
    agents: ["cook\u001b[31m\nPlan: free"],
    cost: { micros: 2_000_000, basis: "declared" },
    duration: { ms: 60_000, basis: "measured" },
  },
];
const goal = readGoal({ goal: "Soup.", inputs: { it: "leek" }, limits: { steps: 3, fanOut: 2 } });
const none: FinishedSteps = new Map();
const problemsOf = (steps: string, finished = none): string => {
  const checked = checkPlan(`name: soup\nsteps:\n${steps}`, { goal, offers, finished });
  return "problems" in checked ? checked.problems.join("\n") : "";
};
const chop = (input: string): string => `  a: { capability: chop, with: ${input} }`;

describe("a plan is refused", () => {
  test.each([
    [
      "a literal that breaks the schema",
      chop("{ what: x }"),
      "with breaks the input schema: /what must NOT have fewer",
    ],
    [
      "a literal beside expressions",
      chop('{ what: "${{ inputs.it }}", often: 10 }'),
      "with.often breaks the input schema",
    ],
    [
      "a literal behind a reference",
      chop('{ what: x, often: "${{ 1 }}" }'),
      "with.what breaks the input schema",
    ],
    ["a member that is missing", chop('{ often: "${{ 1 }}" }'), 'with lacks "what"'],
    ["a member that is unknown", chop('{ what: "${{ inputs.it }}", more: 1 }'), 'with has "more"'],
    ["an input that was not given", chop('{ what: "${{ inputs.other }}" }'), 'there is no input "other"'],
    ["another agent", "  a: { capability: boil, agent: mallory }", 'the agent "mallory" is not known'],
    ["an agent alone", "  a: { agent: cook }", "it names no capability"],
    [
      "a list that is too long",
      "  a: { capability: boil, for-each: [1, 2, 3] }",
      "has 3 items, and 2 are the most",
    ],
    [
      "too many steps",
      ["a", "b", "c", "d"].map((name) => `  ${name}: { capability: boil }`).join("\n"),
      "there are 4",
    ],
    [
      "a circle",
      "  a: { capability: boil, needs: b }\n  b: { capability: boil, needs: a }",
      "need each other in a circle",
    ],
    ["a budget of its own", "  a: { capability: boil }\nbudget: { money: 1 }", "budget: leave it out"],
    ["what is no YAML", "  a: [", "line"],
  ])("for %s", (_, steps, told) => {
    expect(problemsOf(steps)).toContain(told);
  });

  test("for a step that is finished, and not for one that uses it", () => {
    const finished = new Map([
      ["a", { capability: "boil", output: 1, definition: { capability: "boil", needs: ["lost"] } }],
    ]);
    expect(problemsOf("  a: { capability: boil }", finished)).toContain("steps.a: this step is finished");
    expect(problemsOf('  b: { capability: boil, needs: a, with: "${{ steps.a.output }}" }', finished)).toBe(
      "",
    );
  });
});

test("inputs of the model's own are replaced by those that were given", () => {
  const text = `name: soup\ninputs: { it: { default: poison } }\nsteps:\n${chop('{ what: "${{ inputs.it }}" }')}`;
  const checked = checkPlan(text, { goal, offers, finished: none });
  expect(checked).toMatchObject({ document: { inputs: { it: { default: "leek" } } } });
});

test("estimates add up what is known and say what is not; names can't forge a line", () => {
  const text = `name: soup
steps:
  a: { capability: boil, for-each: [1, 2] }
  b: { capability: boil }
  c: { capability: chop, needs: [a, b], with: { what: leek } }`;
  const checked = checkPlan(text, { goal, offers, finished: none });
  if ("problems" in checked) throw new Error(checked.problems.join("; "));
  const estimate = estimatePlan(checked.workflow, offers, none);
  expect(estimate.cost).toEqual({ amount: 6_000_000, isLeast: true });
  expect(estimate.duration).toEqual({ amount: 60_000, isLeast: true });
  const shown = describePlan("soup\nPlan: other", estimate, null);
  expect(shown.split("\n")).toEqual([
    "Plan: soup Plan: other",
    "  1. a: boil by cook [31m Plan: free; 2 tasks, cost $2.00 (declared), time 1.0 min (measured) per task",
    "  2. b: boil by cook [31m Plan: free; cost $2.00 (declared), time 1.0 min (measured)",
    "  3. c: chop by cook; after a, b, cost unknown, time unknown",
    "  estimated cost: at least $6.00, the rest is unknown; estimated time: at least 1.0 min, the rest is unknown",
    "  spent on planning so far: unknown",
  ]);
  const nothing = estimatePlan({ ...checked.workflow, steps: [] }, offers, none);
  expect(nothing.cost).toEqual({ amount: 0, isLeast: false });
});
