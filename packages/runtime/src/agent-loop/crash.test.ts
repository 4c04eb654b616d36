import fc from "fast-check";
import { expect, it } from "vitest";
import { carefulModel, type Outside, outside, type PlannedTurn, toolsOn } from "../test/careful-worker.ts";
import { type FakeTask, fakeTask } from "../test/fake-task.ts";
import { scriptedCostMicros, scriptedModel } from "../test/scripted-model.ts";
import { createJudge } from "./check-answer.ts";
import { loopLimitsOf } from "./loop-limits.ts";
import { runAgentLoop } from "./run-agent-loop.ts";

/** Everything but the model and its tools. */
const settings = {
  modelName: "smart",
  system: "",
  task: "Follow the plan.",
  judge: createJudge(undefined, "output"),
  limits: loopLimitsOf(),
  maxOutputTokens: 100,
  contextTokens: 1_000_000,
  name: "loop",
  now: () => 0,
};

/** A model that makes one call, which a person declines. */
const refusing = (world: Outside) => ({
  model: scriptedModel(({ messages }) => {
    const last = messages.at(-1)!;
    if (last.role !== "tool") return { calls: [["append", { name: "a" }]] };
    return { text: `Told: ${last.results[0]!.content}` };
  }),
  toolbox: {
    ...toolsOn(world, async () => undefined),
    admit: async () => ({ content: "Declined.", isError: true }),
  },
});

/** One task that is killed at the given moments, one after the other, and taken over each time. */
const workOn = async (plan: readonly PlannedTurn[], kills: readonly number[]) => {
  const world = outside();
  const task = fakeTask();
  const model = carefulModel(plan);
  const moments: string[] = [];
  const died: string[] = [];
  let passed = 0;
  const pending = [...kills];
  const isKilled = (what: string) => {
    moments.push(what);
    if (passed++ !== pending[0]) return false;
    pending.shift();
    passed = 0;
    died.push(what);
    return true;
  };
  for (;;) {
    const outcome = await task.attempt(
      (context, pass) => runAgentLoop(context, { ...settings, model, toolbox: toolsOn(world, pass) }),
      isKilled,
    );
    if (!("killed" in outcome)) return { outcome, world, task, model, moments, died };
  }
};

type Worked = Awaited<ReturnType<typeof workOn>>;

const turnsIn = ({ journal }: FakeTask): number =>
  [...journal.keys()].filter((key) => /^loop:\d+$/.test(key)).length;

/** What holds however often the process was killed. */
const expectSound = (plan: readonly PlannedTurn[], { outcome, world, task, model, died }: Worked) => {
  expect(outcome).toEqual({ ended: `Done: ${plan.flat().length}.` });
  const planned = plan.flat();
  // Nothing is missing, nothing is there twice, and what comes in order came in order.
  expect(world.appended).toEqual(planned.filter(({ tool }) => tool === "append").map(({ name }) => name));
  expect([...world.set.keys()].sort()).toEqual(
    planned
      .filter(({ tool }) => tool === "set")
      .map(({ name }) => name)
      .sort(),
  );
  // A call is made again only where a kill came before its result was an entry.
  const repeated = [...world.made.values()].reduce((sum, times) => sum + times - 1, 0);
  expect(repeated).toBeLessThanOrEqual(died.filter((what) => !what.startsWith("after")).length * 8);
  // A call of the model is made again only where a kill came between its beginning and its entry.
  const lost = died.filter((what) => /^(spend|before loop:\d+$)/.test(what)).length;
  expect(model.requests).toHaveLength(turnsIn(task) + lost);
};

/** Names are unique over the plan. */
const plans = fc
  .array(fc.array(fc.constantFrom("read", "set", "append"), { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((turns) =>
    turns.map((turn, at) =>
      turn.map((tool, index) => ({ tool, name: `${at}-${index}` }) as PlannedTurn[number]),
    ),
  );

it("comes to the same result with every effect once, killed at any moments", async () => {
  await fc.assert(
    fc.asyncProperty(plans, fc.array(fc.nat({ max: 40 }), { maxLength: 6 }), async (plan, kills) => {
      expectSound(plan, await workOn(plan, kills));
    }),
    { numRuns: 150 },
  );
});

const plan: PlannedTurn[] = [
  [
    { tool: "read", name: "a" },
    { tool: "read", name: "b" },
  ],
  [
    { tool: "append", name: "c" },
    { tool: "set", name: "d" },
    { tool: "append", name: "e" },
  ],
  [{ tool: "append", name: "f" }],
];

it("costs the same and calls nothing twice, killed right behind any one entry of its journal", async () => {
  const whole = await workOn(plan, []);
  const baseline = { cost: whole.task.spentMicros(), calls: [...whole.world.made.keys()] };
  expect(baseline.cost).toBe(4 * scriptedCostMicros);
  const entries = whole.moments.flatMap((what, at) => (what.startsWith("after ") ? [{ what, at }] : []));
  expect(entries).toHaveLength(4 + 6 + 3);
  for (const { what, at } of entries) {
    const killed = await workOn(plan, [at]);
    expect(killed.died).toEqual([what]);
    expectSound(plan, killed);
    expect([...killed.world.made.values()].every((times) => times === 1)).toBe(true);
    // Behind "begun" nobody knows whether the call was made: the model is told so, and has to look and call again.
    const unknown = what.endsWith(":begun") ? 2 * scriptedCostMicros : 0;
    expect({ what, cost: killed.task.spentMicros() }).toEqual({ what, cost: baseline.cost + unknown });
    if (unknown === 0) expect([...killed.world.made.keys()]).toEqual(baseline.calls);
  }
});

it("tells the model of a call that was made and whose result nobody recorded, and does not make it again", async () => {
  const whole = await workOn(plan, []);
  const killed = await workOn(plan, [whole.moments.indexOf("end append c")]);
  expectSound(plan, killed);
  expect(killed.world.appended).toEqual(["c", "e", "f"]);
  const told = JSON.stringify(killed.model.requests);
  expect(told).toContain("may or may not have happened");
});

it("waits for consent before a call counts as begun, and asks again after a crash in between", async () => {
  const world = outside();
  const task = fakeTask();
  const model = carefulModel([[{ tool: "append", name: "a" }]]);
  const asked: string[] = [];
  const attempt = (isKilled?: (what: string) => boolean) =>
    task.attempt((context, pass) => {
      const tools = toolsOn(world, pass);
      const admit = async ({ id }: { id: string }) => {
        asked.push(id);
        await pass("consent");
        return null;
      };
      return runAgentLoop(context, { ...settings, model, toolbox: { ...tools, admit } });
    }, isKilled);
  expect(await attempt((what) => what === "consent")).toEqual({ killed: "consent" });
  expect(await attempt((what) => what === "after loop:1.0")).toEqual({ killed: "after loop:1.0" });
  expect(await attempt()).toEqual({ ended: "Done: 1." });
  expect(world.appended).toEqual(["a"]);
  // Once for each process that came to it; whoever finds the result does not ask.
  expect(asked).toEqual(["task_loop_1_0", "task_loop_1_0"]);
  expect(JSON.stringify(model.requests)).not.toContain("may or may not have happened");
});

it("tells the model of a call that was not admitted, and does not make it later either", async () => {
  const world = outside();
  const task = fakeTask();
  const { model, toolbox, ...rest } = { ...settings, ...refusing(world) };
  const attempt = (isKilled?: (what: string) => boolean) =>
    task.attempt((context) => runAgentLoop(context, { ...rest, model, toolbox }), isKilled);
  expect(await attempt((what) => what === "after loop:1.0:begun")).toEqual({
    killed: "after loop:1.0:begun",
  });
  expect(await attempt()).toEqual({ ended: "Told: Declined." });
  expect(world.appended).toEqual([]);
});
