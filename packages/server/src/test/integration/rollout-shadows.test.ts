import type { RolloutStart, TaskContext } from "@muster/sdk";
import { describe, expect, it } from "vitest";
import { root, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator();
const patient = { timeout: 8_000 };

const rollouts = () => at.muster.orchestrator.rollouts;

const version = (number: string, handler: (context: TaskContext<{ n: number }>) => unknown) =>
  at.muster.agent({
    name: `counter-${number}`,
    version: number,
    maxConcurrency: 10,
    capabilities: [{ name: "count", handler }],
  });

const start = (more: Partial<RolloutStart> = {}) =>
  rollouts().start(
    {
      capability: "count",
      candidate: { version: "2" },
      steps: [{ candidate: 0, shadow: 100 }, { candidate: 100 }],
      ...more,
    },
    root,
  );

const count = (tasks: number) =>
  Array.from({ length: tasks }, (_, n) => ({ capability: "count", input: { n } }));

const comparisons = async (id: string) => (await rollouts().get(id, root)).comparisons;

describe("a shadow", () => {
  it("does completed tasks once more, and what it gives is compared and never used", async () => {
    await version("1", ({ input: { n } }) => ({ n, sum: { a: 1, b: n } }));
    await version("2", ({ input: { n } }) => ({ sum: { b: n === 3 ? 4 : n, a: 1 }, n }));
    const { id } = await start();
    const ended = await at.muster.finish(...count(6));
    expect(ended.map(({ output }) => output)).toEqual(
      count(6).map(({ input: { n } }) => ({ n, sum: { a: 1, b: n } })),
    );
    await expect
      .poll(() => comparisons(id), patient)
      .toMatchObject({ open: 0, equal: 5, different: 1, failed: 0 });
    expect((await comparisons(id)).differences).toMatchObject([
      { taskId: ended[3]?.id, path: "/sum/b", baseline: "3", candidate: "4", note: null },
    ]);
    const { items } = await at.muster.orchestrator.tasks.list({}, someone);
    const copies = items.filter(({ rollout }) => rollout?.side === "shadow");
    expect(copies.length).toBe(6);
    for (const copy of copies)
      expect(copy).toMatchObject({ runId: null, priority: "background", maxAttempts: 1, agent: "counter-2" });
  });

  it("harms nothing when it fails, neither a task nor its agent", async () => {
    await version("1", () => ({}));
    const two = await version("2", () => {
      throw new Error("not ready yet");
    });
    const { id } = await start({ rollback: { errorRate: null } });
    expect((await at.muster.finish(...count(6))).every(({ status }) => status === "completed")).toBe(true);
    await expect.poll(() => comparisons(id), patient).toMatchObject({ open: 0, failed: 6 });
    const agent = await at.muster.orchestrator.agents.get(two.id as string, root);
    expect(agent.healthScore).toBe(1);
    expect((await rollouts().get(id, root)).outcomes.shadow).toMatchObject({ failed: 6, completed: 0 });
  });

  it("keeps to its budget, and its copies go when the rollout ends", async () => {
    await version("1", () => ({}));
    const held: (() => void)[] = [];
    await version("2", () => new Promise<object>((resolve) => held.push(() => resolve({}))));
    const { id } = await start({ shadowTasks: 3 });
    await at.muster.finish(...count(8));
    await expect.poll(() => held.length, patient).toBe(3);
    await at.muster.finish(...count(2));
    expect(await comparisons(id)).toMatchObject({ open: 3 });
    await rollouts().abort(id, {}, root);
    expect(await comparisons(id)).toMatchObject({ open: 0, failed: 3 });
    const { items } = await at.muster.orchestrator.tasks.list({ status: "cancelled" }, someone);
    expect(items.length).toBe(3);
    for (const done of held) done();
  });

  it("is compared by a capability where one is named, and rolls the rollout back where too much differs", async () => {
    await version("1", ({ input: { n } }) => ({ text: `the number ${n}` }));
    await version("2", ({ input: { n } }) => ({ text: `number ${n}${n > 2 ? "!" : ""}` }));
    await at.muster.agent({
      name: "judge",
      maxConcurrency: 10,
      capabilities: [
        {
          name: "same_text",
          handler: ({ input }) => {
            const { candidate } = input as { candidate: { text: string } };
            const equal = !candidate.text.endsWith("!");
            return { equal, note: equal ? "" : "it shouts" };
          },
        },
      ],
    });
    const { id } = await start({
      comparison: "same_text",
      rollback: { differenceRate: 0.3, minSamples: 4 },
    });
    await at.muster.finish(...count(6));
    await expect.poll(async () => (await rollouts().get(id, root)).cause?.code, patient).toBe("differences");
    expect((await comparisons(id)).differences[0]).toMatchObject({ note: "it shouts", path: "/text" });
  });

  it("promotes a first step without a share of its own", async () => {
    await version("1", () => ({}));
    await version("2", () => ({}));
    const { id } = await start({
      steps: [{ candidate: 0, shadow: 100, promoteAfter: { successes: 4 } }, { candidate: 100 }],
    });
    await at.muster.finish(...count(5));
    await expect.poll(async () => (await rollouts().get(id, root)).weights.candidate, patient).toBe(100);
    expect((await at.muster.finish(...count(1)))[0]?.agent).toBe("counter-2");
  });
});
