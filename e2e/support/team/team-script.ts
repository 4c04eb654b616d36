import type {
  AskedRequest,
  Reply,
  ScriptedToolCall,
} from "../../../packages/runtime/src/test/providers/script.ts";

/**
 * What the models of the team say: a function of what the conversation shows, as with a real model. Whoever reads that a call
 * may or may not have happened looks first, and then makes it again.
 */
export const teamScript = (asked: AskedRequest): Reply => {
  const [, role = "", team = ""] = /You are the (\w+) of team (\S+?)\./.exec(asked.system) ?? [];
  const { done, isUnsure } = whatWasDone(asked);
  const usage = usageOf(asked);
  if (isUnsure) return { toolCalls: [looking], usage };
  const next = plans[role]?.({ team, done, task: asked.messages[0]?.text ?? "" });
  if (next === undefined) return { status: 400, message: `There is no plan for ${role}.` };
  return Array.isArray(next)
    ? { text: "Next.", toolCalls: [{ name: next[0], input: next[1] }], usage }
    : { text: JSON.stringify(next), usage };
};

/** Uneven numbers, so that no two sums are alike by chance. */
export const usageOf = ({ turn }: Pick<AskedRequest, "turn">) => ({
  inputTokens: 1_003 + 211 * turn,
  outputTokens: 37 + 13 * turn,
});

interface Known {
  team: string;
  /** Results of the calls so far, without those by which it only looked how things stand. */
  done: readonly string[];
  /** The first word of the conversation. */
  task: string;
}

type Step = [tool: string, input: unknown] | Record<string, unknown>;

const looking: ScriptedToolCall = { name: "Read", input: { file_path: "package.json" } };

const whatWasDone = ({ messages }: AskedRequest) => {
  const done: string[] = [];
  let isUnsure = false;
  let isLooking = false;
  for (const { toolCalls, results } of messages) {
    if (toolCalls.length > 0)
      isLooking = JSON.stringify(toolCalls[0]?.input) === JSON.stringify(looking.input);
    for (const { content } of results) {
      if (content.includes("may or may not have happened")) isUnsure = true;
      else if (isLooking) isUnsure = false;
      else done.push(content);
    }
  }
  return { done, isUnsure };
};

const field = (task: string, name: string): string =>
  new RegExp(`"${name}": "([^"]+)"`).exec(task)?.[1] ?? `no ${name}`;

/** What one task that was delegated came to. */
const outputOf = (result: string | undefined): { branch: string; objections: string[] } =>
  JSON.parse(result ?? "[]")[0]?.output ?? { branch: `not found in ${result}`, objections: [] };

const delegate = (capability: string, input: unknown): Step => [
  "delegate",
  { tasks: [{ capability, input }] },
];
const bash = (command: string): Step => ["Bash", { command }];
const runTests = bash("node --test");
const commit = (message: string): Step =>
  bash(
    `git add -A && git -c user.name=worker -c user.email=worker@example.com commit -qm "${message}" && git branch --show-current`,
  );

const planner = ({ team, done }: Known): Step => {
  const [, first, review, second, , answer] = done;
  const steps: (() => Step)[] = [
    () => ["Read", { file_path: "src/price.mjs" }],
    () => delegate(`write-${team}`, { goal: "Add a discount in per cent.", base: "main" }),
    () => delegate(`review-${team}`, { branch: outputOf(first).branch }),
    () =>
      delegate(`write-${team}`, { base: outputOf(first).branch, objection: outputOf(review).objections[0] }),
    () => delegate(`review-${team}`, { branch: outputOf(second).branch }),
    () => ["ask_human", { question: `May team ${team} merge the discount?`, options: ["yes", "no"] }],
    () =>
      bash(
        `git merge -q --ff-only ${outputOf(second).branch} && node --test > /dev/null && git log --format=%s`,
      ),
    () => ({ answer, log: done[6]?.split("\n") }),
  ];
  return steps[done.length]!();
};

const head = `export const total = (prices) => prices.reduce((sum, price) => sum + price, 0);\n`;
const discount = (value: string): string => `\nexport const discount = (price, percent) => ${value};\n`;
const test = (name: string, got: string, expected: string): string =>
  `import assert from "node:assert";\nimport { test } from "node:test";\nimport { discount } from "../src/price.mjs";\n\ntest("${name}", () => assert.equal(${got}, ${expected}));\n`;

/** What the team begins with. */
export const startingFiles: Record<string, string> = {
  "package.json": `${JSON.stringify({ name: "shop", type: "module" })}\n`,
  "src/price.mjs": head,
};

const inexact = "price - (price * percent) / 100";
const exact = "Math.round(price * (100 - percent)) / 100";

const worker = ({ done, task }: Known): Step => {
  const base = field(task, "base");
  const edit = (from: string, to: string): Step => [
    "Edit",
    { file_path: "src/price.mjs", old_string: from, new_string: to },
  ];
  const write = (file: string, content: string): Step => ["Write", { file_path: `test/${file}`, content }];
  const begin: Step[] = [
    ["Read", { file_path: "src/price.mjs" }],
    edit(head, head + discount(inexact)),
    write("discount.test.mjs", test("takes off", "discount(200, 10)", "180")),
    runTests,
    commit("Add a discount"),
  ];
  const mend: Step[] = [
    bash(`git merge -q --ff-only ${base}`),
    edit(inexact, exact),
    write("cents.test.mjs", test("has whole cents", "discount(0.99, 33)", "0.66")),
    runTests,
    commit("Round discounts to cents"),
  ];
  const steps = base === "main" ? begin : mend;
  return steps[done.length] ?? { branch: done.at(-1)?.trim() };
};

const reviewer = ({ done, task }: Known): Step => {
  const branch = field(task, "branch");
  const [diff] = done;
  if (diff === undefined) return bash(`git diff main...${branch} -- src`);
  if (!diff.includes("Math.round")) return { objections: ["A discount must come to whole cents."] };
  if (done.length === 1) return bash(`git checkout -q --detach ${branch} && node --test`);
  return { objections: [] };
};

const plans: Record<string, (known: Known) => Step> = { planner, worker, reviewer };
