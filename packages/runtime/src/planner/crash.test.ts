import type { FoundAgent, TaskContext, TaskResult, TaskSubmission } from "@muster/sdk";
import { expect, test } from "vitest";
import { type FakeTask, fakeTask, type Others } from "../test/fake-task.ts";
import type { AskedRequest } from "../test/providers/script.ts";
import { useModels } from "../test/route-models.ts";
import { type GoalOutput, pursue } from "./create-planner.ts";

const world = await useModels();

const agents: FoundAgent[] = [
  {
    id: "cook",
    name: "cook",
    type: "custom",
    description: "Cooks.",
    status: "available",
    capabilities: [{ name: "chop" }, { name: "burn" }, { name: "boil" }],
  },
];
const bad = "name: soup\nsteps: { a: { capability: fry } }";
const burnt = `
name: soup
steps:
  chop: { capability: chop, for-each: [leek, carrot], with: { what: "\${{ item }}" } }
  peel: { capability: chop, with: { what: potato } }
  burn: { capability: burn, needs: [chop, peel], approve: true, with: { all: "\${{ steps.chop.output }}" } }
`;
const rest = `
name: rest
steps:
  boil: { capability: boil, needs: [chop, peel], with: { all: "\${{ steps.chop.output + [steps.peel.output] }}" } }
output: "\${{ steps.boil.output }}"
`;

const reply = ({ messages, turn }: AskedRequest) => {
  const isRest = messages[0]?.text.includes("a step of it failed for good");
  const workflow = isRest ? rest : turn === 0 ? bad : burnt;
  return { text: JSON.stringify({ workflow, cannot: "" }), usage: { inputTokens: 1_000, outputTokens: 100 } };
};

/** Other agents and people, who remember what they were asked for. */
function company() {
  const handed = new Map<string, TaskResult[]>();
  const asked = new Map<string, string>();
  const worked: string[] = [];
  const perform = ({ capability, input }: TaskSubmission, id: string): TaskResult => {
    worked.push(`${capability} ${JSON.stringify(input)}`);
    if (capability === "burn") {
      const error = { code: "fire", message: "it is on fire" };
      return { id, status: "failed", output: null, error };
    }
    return { id, status: "completed", output: `${capability}ped ${JSON.stringify(input)}`, error: null };
  };
  const others: Others = (pass) => ({
    runId: null,
    progress: () => undefined,
    findAgents: async () => agents,
    async delegateAll(tasks, { key = "" } = {}) {
      await pass(`hand ${key}`);
      if (!handed.has(key))
        handed.set(
          key,
          tasks.map((task, index) => perform(task, `${key}:${index}`)),
        );
      await pass(`after ${key}`);
      return handed.get(key)!;
    },
    async approve(text, { key = "" } = {}) {
      await pass(`ask ${key}`);
      if (!asked.has(key)) asked.set(key, text);
      await pass(`after ${key}`);
      return { approved: true };
    },
  });
  return { others, worked, asked };
}

async function play(kill: (what: string, nth: number) => boolean) {
  world.server.play(reply);
  const before = world.server.requests.length;
  const model = await world.route({ providers: [world.anthropic] });
  const { others, worked, asked } = company();
  const task: FakeTask = fakeTask({ goal: "Soup.", approve: "ask" }, "task", others);
  const handler = (context: TaskContext) =>
    pursue(context, { model, modelName: "smart", maxOutputTokens: 500 });
  const moments: string[] = [];
  let isKilled = false;
  let outcome: Awaited<ReturnType<FakeTask["attempt"]>>;
  do {
    outcome = await task.attempt(handler, (what) => {
      moments.push(what);
      if (isKilled || !kill(what, moments.length)) return false;
      isKilled = true;
      return true;
    });
  } while ("killed" in outcome);
  const requests = world.server.requests.length - before;
  return { outcome, moments, worked, asked, requests, spent: task.spentMicros(), journal: [...task.journal] };
}

const endOf = ({ outcome }: Awaited<ReturnType<typeof play>>): GoalOutput => {
  if (!("ended" in outcome)) throw new Error(`It did not end well: ${JSON.stringify(outcome)}`);
  return outcome.ended as GoalOutput;
};

test("killed at any moment, a goal comes to the same end, asks and works once, and pays no recorded answer twice", async () => {
  const whole = await play(() => false);
  expect(endOf(whole).output).toMatch(/^boilped .*leek.*carrot.*potato/);
  expect(whole.requests).toBe(3);
  expect(whole.worked).toHaveLength(5);
  expect([...whole.asked.keys()]).toEqual(["plan:0:approve", "plan:0:burn:approve", "plan:1:approve"]);
  expect(endOf(whole).plan.planningCostMicros).toBe(whole.spent);
  const count = whole.moments.length;
  expect(count).toBeGreaterThan(25);
  for (let nth = 1; nth <= count; nth++) {
    const killed = await play((_, now) => now === nth);
    const what = `killed at ${whole.moments[nth - 1]}`;
    expect(endOf(killed), what).toEqual(endOf(whole));
    expect(killed.journal, what).toEqual(whole.journal);
    expect([...killed.worked].sort(), what).toEqual([...whole.worked].sort());
    expect([...killed.asked], what).toEqual([...whole.asked]);
    // Between the provider's answer and its entry nobody can know that it was paid.
    const isUnrecorded = /^(spend|before) plan:/.test(whole.moments[nth - 1]!);
    expect(killed.requests, what).toBe(isUnrecorded ? 4 : 3);
    if (!isUnrecorded && !what.includes("reserve")) expect(killed.spent, what).toBe(whole.spent);
  }
}, 60_000);
