import type { GoalOutput } from "@muster/runtime";
import { describe, expect, test } from "vitest";
import { root, someone } from "../orchestrate.ts";
import { answer, burnt, goalOf, patient, promptOf, soup, usePlanner } from "../use-planner.ts";

const at = usePlanner();

describe("a goal", () => {
  test("becomes a workflow of what is registered, is carried out below the goal, and its cost is counted", async () => {
    at.providers.play([answer(soup)]);
    const [task] = await at.muster.finish({ ...goalOf(), budget: { tasks: 10 } });
    expect(task).toMatchObject({ status: "completed", output: { status: "completed", output: "soup" } });
    const { plan, steps } = task!.output as GoalOutput;
    expect(steps.map(({ name, status }) => `${name} ${status}`)).toEqual([
      "chop completed",
      "boil completed",
    ]);
    expect(at.done).toEqual([{ what: "leek" }, { pieces: "pieces of leek" }]);
    expect(plan.steps).toMatchObject([
      { capability: "chop", agents: ["cook"], costMicros: 20_000, costBasis: "declared", durationMs: 1_500 },
      { capability: "boil", costMicros: null, costBasis: "unknown", durationMs: null },
    ]);
    expect(plan).toMatchObject({ cost: { amount: 20_000, isLeast: true }, duration: { isLeast: true } });
    expect(plan.text).toContain("estimated cost: at least $0.02, the rest is unknown");
    expect(plan.planningCostMicros).toBeGreaterThan(0);
    expect(task?.budget?.spent).toMatchObject({ tasks: 3, moneyMicros: plan.planningCostMicros });
    const children = await at.muster.orchestrator.tasks.list({ parentId: task!.id }, someone);
    expect(children.items.map(({ name, parentId }) => [name, parentId]).sort()).toEqual([
      ["boil", task?.id],
      ["chop", task?.id],
    ]);
    expect(at.providers.requests).toHaveLength(1);
    expect(promptOf(at.providers.requests[0])).not.toContain('"capability":"goal"');
  });

  test("measures what tasks took, where they were done before", async () => {
    await at.muster.finish({ capability: "boil", input: {} });
    at.providers.play([answer(soup)]);
    const [task] = await at.muster.finish(goalOf({ approve: "show" }));
    const { plan, status } = task!.output as GoalOutput;
    expect(status).toBe("planned");
    expect(plan.steps[1]).toMatchObject({ durationBasis: "measured", costBasis: "unknown" });
    expect(at.done).toEqual([{}]);
  });

  test("whose plan has mistakes is planned again, with what the checker says", async () => {
    at.providers.play([
      { text: "I would chop first." },
      answer(soup.replace("capability: boil", "capability: fry")),
      answer(soup.replace("what:", "which:").replace("needs: [chop]", "needs: []")),
      answer(soup),
    ]);
    const [task] = await at.muster.finish(goalOf());
    expect(task).toMatchObject({ status: "completed", output: { output: "soup" } });
    expect(at.providers.requests).toHaveLength(4);
    const said = promptOf(at.providers.requests[3]);
    expect(said).toContain("The answer is not JSON");
    expect(said).toContain('nobody offers the capability \\"fry\\"');
    expect(said).toContain("without needing it");
    expect((task!.output as GoalOutput).plan.planningCostMicros).toBeGreaterThan(0);
  });

  test("without a usable plan fails, says why and has run nothing", async () => {
    at.providers.play(() => answer("name: x\nsteps: {}"));
    const [task] = await at.muster.finish(goalOf());
    expect(task).toMatchObject({ status: "failed", attempts: 1, error: { code: "no_plan" } });
    expect(task?.error?.message).toContain("no usable plan in 4 tries");
    at.providers.play([answer("", "Nobody here can fly.")]);
    const [other] = await at.muster.finish(goalOf({ goal: "Fly." }));
    expect(other?.error).toMatchObject({
      code: "no_plan",
      message: expect.stringContaining("Nobody here can fly."),
    });
    expect(at.done).toEqual([]);
  });

  test("is asked about once, and a yes lets it run", async () => {
    at.providers.play([answer(soup)]);
    const { tasks, inbox } = at.muster.orchestrator;
    const [task] = await tasks.submit([goalOf({ approve: undefined })], someone);
    const asked = await at.question();
    expect(asked.question).toContain("1. chop: chop by cook");
    expect(asked.input).toMatchObject({ plan: { workflow: { inputs: { vegetable: { default: "leek" } } } } });
    expect(at.done).toEqual([]);
    await inbox.answer(asked.taskId, { answer: { approved: true } }, root);
    expect(await tasks.wait(task!.id, 15_000, someone)).toMatchObject({ status: "completed" });
    expect((await inbox.list({}, root)).items).toEqual([]);
    expect(at.providers.requests).toHaveLength(1);
  });

  test("that is refused runs nothing", async () => {
    at.providers.play([answer(soup)]);
    const { tasks, inbox } = at.muster.orchestrator;
    const [task] = await tasks.submit([goalOf({ approve: "ask" })], someone);
    const { taskId } = await at.question();
    await inbox.answer(taskId, { answer: { approved: false, reason: "too salty" } }, root);
    const ended = await tasks.wait(task!.id, 15_000, someone);
    expect(ended).toMatchObject({ status: "failed", attempts: 1, error: { code: "plan_refused" } });
    expect(ended.error?.message).toContain("too salty");
    expect(at.done).toEqual([]);
  });
});

describe("a step that fails for good", () => {
  const rest = `
name: rest
steps:
  cook:
    capability: boil
    needs: chop
    with: { pieces: "\${{ steps.chop.output.pieces }}" }
output: "\${{ steps.cook.output }}"
`;

  test("makes the rest be planned anew; what is finished is kept and not run again", async () => {
    at.providers.play(({ messages }) =>
      answer(messages[0]?.text.includes("a step of it failed for good") ? rest : burnt),
    );
    const [task] = await at.muster.finish(goalOf());
    expect(task).toMatchObject({ status: "completed", output: { output: "soup", plan: { number: 1 } } });
    expect(at.done).toEqual([{ what: "leek" }, { pieces: "pieces of leek" }]);
    const told = promptOf(at.providers.requests[1]);
    expect(told).toContain("fire: it is on fire");
    expect(told).toContain("pieces of leek");
    const { plan } = task!.output as GoalOutput;
    expect(plan.steps.map(({ name, isFinished }) => [name, isFinished])).toEqual([
      ["chop", true],
      ["cook", false],
    ]);
    expect(Object.keys(plan.workflow.steps as object)).toEqual(["chop", "cook"]);
  });

  test("is revised so often and no more, and all reasons are told", async () => {
    at.providers.play(({ messages }) => {
      const isRest = messages[0]?.text.includes("a step of it failed for good");
      return answer(isRest ? rest.replace("capability: boil", "capability: burn") : burnt);
    });
    const [task] = await at.muster.finish(goalOf({ limits: { revisions: 1 } }));
    expect(task).toMatchObject({ status: "failed", attempts: 1, error: { code: "goal_failed" } });
    expect(task?.error?.message).toMatch(
      /2 plans failed: step boil .*on fire; in revision 1, step cook .*on fire/,
    );
    expect(at.done).toEqual([{ what: "leek" }]);
  });

  test("is asked about again", async () => {
    at.providers.play(({ messages }) =>
      answer(messages[0]?.text.includes("a step of it failed for good") ? rest : burnt),
    );
    const { tasks, inbox } = at.muster.orchestrator;
    const [task] = await tasks.submit([goalOf({ approve: "ask" })], someone);
    const first = await at.question();
    await inbox.answer(first.taskId, { answer: { approved: true } }, root);
    await expect.poll(async () => (await at.question()).taskId, patient).not.toBe(first.taskId);
    const second = await at.question();
    expect(second.question).toContain("chop: chop by cook (finished, is not run again)");
    await inbox.answer(second.taskId, { answer: { approved: true } }, root);
    expect(await tasks.wait(task!.id, 15_000, someone)).toMatchObject({ status: "completed" });
  });
});
