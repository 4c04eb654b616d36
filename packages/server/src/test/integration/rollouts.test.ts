import type { RolloutStart, TaskDetail, TaskSubmission } from "@muster/sdk";
import { describe, expect, it } from "vitest";
import type { Principal } from "../../core/orchestrator.ts";
import { bucketOf, isCandidateBucket } from "../../core/rollouts/bucket.ts";
import { orchestrate, root, someone, type TestOrchestrator } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator();

const rollouts = () => at.muster.orchestrator.rollouts;

/** An agent of one version, that says which version did the work. */
function version(
  number: string,
  handler: (input: unknown) => unknown = () => ({ by: number }),
  on: TestOrchestrator = at.muster,
) {
  return on.agent({
    name: `greeter-${number}`,
    version: number,
    maxConcurrency: 20,
    capabilities: [{ name: "greet", handler: ({ input }) => handler(input) }],
  });
}

const start = (more: Partial<RolloutStart> = {}, principal: Principal = root) =>
  rollouts().start(
    {
      capability: "greet",
      candidate: { version: "2" },
      steps: [{ candidate: 30 }, { candidate: 100 }],
      ...more,
    },
    principal,
  );

const greet = (count: number, from = 0): TaskSubmission[] =>
  Array.from({ length: count }, (_, n) => ({ capability: "greet", rolloutKey: `key ${n + from}` }));

const by = ({ output }: TaskDetail) => (output as { by: string } | null)?.by;
const sideOfKey = (key: string, weight: number) => (isCandidateBucket(bucketOf(key), weight) ? "2" : "1");

async function events(type: string) {
  return (await at.muster.orchestrator.events.read(0, {}, root)).filter((event) => event.type === type);
}

describe("a rollout", () => {
  it("gives each key to its side, and more keys to the candidate as it is promoted", async () => {
    await version("1");
    await version("2");
    const { id } = await start();
    const first = await at.muster.finish(...greet(60));
    expect(first.map(by)).toEqual(greet(60).map(({ rolloutKey }) => sideOfKey(rolloutKey as string, 30)));
    expect(new Set(first.map(by))).toEqual(new Set(["1", "2"]));
    expect(first[0]?.rollout).toMatchObject({ id });
    expect(await rollouts().get(id, root)).toMatchObject({
      outcomes: {
        baseline: { completed: first.filter((task) => by(task) === "1").length, failed: 0 },
        candidate: { completed: first.filter((task) => by(task) === "2").length, failed: 0 },
      },
    });
    expect(await rollouts().promote(id, {}, root)).toMatchObject({ step: 1, status: "running" });
    expect((await at.muster.finish(...greet(10))).map(by)).toEqual(Array(10).fill("2"));
    expect(await rollouts().promote(id, {}, root)).toMatchObject({ status: "promoted", holds: true });
    expect((await at.muster.finish(...greet(10))).map(by)).toEqual(Array(10).fill("2"));
    expect((await events("rollout.promoted")).length).toBe(1);
  });

  it("is followed by tasks that were queued before it began, and when it moves", async () => {
    await version("1");
    await version("2");
    for (const agent of await at.muster.orchestrator.agents.list({}, root))
      await at.muster.orchestrator.agents.setStatus(agent.id, "maintenance", root);
    const waiting = await at.muster.orchestrator.tasks.submit(greet(20), someone);
    const { id } = await start({ steps: [{ candidate: 1 }, { candidate: 50 }], whenAway: "wait" });
    const later = await at.muster.orchestrator.tasks.submit(greet(20, 20), someone);
    await rollouts().promote(id, {}, root);
    for (const agent of await at.muster.orchestrator.agents.list({}, root))
      await at.muster.orchestrator.agents.setStatus(agent.id, "available", root);
    const ended = await Promise.all(
      [...waiting, ...later].map((task) => at.muster.orchestrator.tasks.wait(task.id, 10_000, someone)),
    );
    expect(ended.map(by)).toEqual(greet(40).map(({ rolloutKey }) => sideOfKey(rolloutKey as string, 50)));
  });

  it("keeps a chain of one run or key on its side, though results hand slots on", async () => {
    await version("1");
    await version("2");
    await start({ steps: [{ candidate: 50 }] });
    const keys = Array.from({ length: 12 }, (_, n) => `chain ${n}`);
    const tasks = keys.flatMap((rolloutKey, n) => [
      { ref: `a${n}`, capability: "greet", rolloutKey },
      { ref: `b${n}`, capability: "greet", rolloutKey, dependsOn: [`a${n}`] },
    ]);
    const ended = await at.muster.finish(...tasks);
    expect(ended.map(by)).toEqual(tasks.map(({ rolloutKey }) => sideOfKey(rolloutKey, 50)));
  });

  it("rolls back on errors of the candidate, and gives it nothing from then on", async () => {
    await version("1");
    await version("2", () => {
      throw new Error("it is broken");
    });
    const { id } = await start({
      steps: [{ candidate: 50 }],
      rollback: { errorRate: 0.1, minSamples: 2 },
    });
    const ended = await at.muster.finish(
      ...greet(20).map((task) => ({ ...task, retry: { maxAttempts: 4, delayMs: 10 } })),
    );
    expect(ended.map(by)).toEqual(Array(20).fill("1"));
    await expect
      .poll(async () => (await rollouts().get(id, root)).status, { timeout: 5_000 })
      .toBe("rolled_back");
    const rollout = await rollouts().get(id, root);
    expect(rollout.cause).toMatchObject({ code: "error_rate", by: null });
    expect(rollout.cause?.message).toContain("attempts failed");
    expect(await events("rollout.rolled_back")).toMatchObject([{ data: { cause: { code: "error_rate" } } }]);
    expect((await at.muster.finish(...greet(10))).map(by)).toEqual(Array(10).fill("1"));
  });

  it("rolls back a candidate that is too slow", async () => {
    await version("1");
    await version("2", () => new Promise((resolve) => setTimeout(() => resolve({ by: "2" }), 60)));
    const { id } = await start({
      steps: [{ candidate: 50 }],
      rollback: { latencyRatio: 2, latencyMeasure: "mean", minSamples: 3 },
    });
    await at.muster.finish(...greet(24));
    await expect
      .poll(async () => (await rollouts().get(id, root)).cause?.code, { timeout: 5_000 })
      .toBe("latency");
  });

  it("promotes itself after enough successes, through every step", async () => {
    await version("1");
    await version("2");
    const promoteAfter = { successes: 2 };
    const { id } = await start({
      steps: [
        { candidate: 50, promoteAfter },
        { candidate: 100, promoteAfter },
      ],
    });
    await at.muster.finish(...greet(20));
    await expect.poll(async () => (await rollouts().get(id, root)).step, { timeout: 5_000 }).toBe(1);
    await at.muster.finish(...greet(4));
    await expect
      .poll(async () => (await rollouts().get(id, root)).status, { timeout: 5_000 })
      .toBe("promoted");
    expect(await events("rollout.step.started")).toMatchObject([{ data: { step: 1, weight: 100 } }]);
  });

  it("promotes itself when its time has come, after a restart too", async () => {
    await version("1");
    await version("2");
    const { id } = await start({
      steps: [{ candidate: 100, promoteAfter: { successes: 1, durationMs: 400 } }],
    });
    await at.muster.finish(...greet(1));
    await at.muster.stop();
    at.muster = await orchestrate(at.database);
    await expect
      .poll(async () => (await rollouts().get(id, root)).status, { timeout: 5_000 })
      .toBe("promoted");
  });

  it("lets the baseline stand in for a candidate that is away, or has its tasks wait", async () => {
    await version("1");
    const two = await version("2");
    const { id } = await start({ steps: [{ candidate: 100 }] });
    await two.stop(0);
    expect((await at.muster.finish(...greet(3))).map(by)).toEqual(["1", "1", "1"]);
    await rollouts().abort(id, { reason: "enough" }, root);
    const again = await version("2");
    const other = await start({ steps: [{ candidate: 100 }], whenAway: "wait" });
    await again.stop(0);
    const [task] = await at.muster.orchestrator.tasks.submit(greet(1), someone);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await at.muster.orchestrator.tasks.explain(task?.id as string, someone)).toMatchObject({
      status: "ready",
      reasons: [expect.stringContaining(`rollout ${other.id}`)],
    });
    await version("2");
    expect(by(await at.muster.orchestrator.tasks.wait(task?.id as string, 5_000, someone))).toBe("2");
  });

  it("says who gets tasks after its end, until it is cleared", async () => {
    await version("1");
    const two = await version("2");
    const { id } = await start({ steps: [{ candidate: 100 }] });
    expect(await rollouts().abort(id, { reason: "we were wrong" }, root)).toMatchObject({
      status: "aborted",
      cause: { message: "we were wrong", by: "test" },
      weights: { candidate: 0 },
    });
    expect(new Set((await at.muster.finish(...greet(8))).map(by))).toEqual(new Set(["1"]));
    await expect(rollouts().promote(id, {}, root)).rejects.toMatchObject({ code: "conflict" });
    expect(await rollouts().clear(id, root)).toMatchObject({ holds: false });
    expect(new Set((await at.muster.finish(...greet(40))).map(by))).toEqual(new Set(["1", "2"]));
    await two.stop(0);
  });
});

describe("a rollout is refused", () => {
  it("where another one of the capability is under way", async () => {
    await version("1");
    await version("2");
    await start();
    await expect(start()).rejects.toMatchObject({ code: "conflict" });
    await expect(start({ tenant: "acme" })).rejects.toMatchObject({ code: "conflict" });
    expect((await rollouts().list({}, root)).items.length).toBe(1);
  });

  it("where a version is unknown, weights are wrong or a side has nobody", async () => {
    await version("1");
    await expect(start()).rejects.toMatchObject({ message: expect.stringContaining("version 2") });
    await expect(start({ candidate: { version: "1" } })).rejects.toMatchObject({
      message: expect.stringContaining("is the baseline"),
    });
    await version("2");
    const wrong: RolloutStart["steps"][] = [
      [{ candidate: 30, baseline: 60 }],
      [{ candidate: 50 }, { candidate: 50 }],
      [{ candidate: 0 }],
      [{ candidate: 101 }],
      [{ candidate: 100, shadow: 10 }],
      [],
    ];
    for (const steps of wrong)
      await expect(start({ steps })).rejects.toMatchObject({ code: "invalid_request" });
    await expect(start({ capability: "nothing" })).rejects.toMatchObject({ code: "invalid_request" });
    await expect(start({ comparison: "nothing" })).rejects.toMatchObject({ code: "invalid_request" });
    expect((await rollouts().list({}, root)).items).toEqual([]);
    expect(await events("rollout.started")).toEqual([]);
  });

  it("to whoever may not: roles, and other tenants", async () => {
    await version("1");
    await version("2");
    await expect(start({}, someone)).rejects.toMatchObject({ code: "forbidden" });
    const acme: Principal = { tenant: "acme", role: "admin", name: "acme" };
    await expect(start({ tenant: "other" }, acme)).rejects.toMatchObject({ code: "forbidden" });
    const { id } = await start({ steps: [{ candidate: 100 }] }, acme);
    // It is for the tasks of that tenant alone.
    expect(new Set((await at.muster.finish(...greet(40))).map(by))).toEqual(new Set(["1", "2"]));
    const stranger: Principal = { ...acme, tenant: "other" };
    await expect(rollouts().get(id, stranger)).rejects.toMatchObject({ code: "not_found" });
    await expect(rollouts().abort(id, {}, stranger)).rejects.toMatchObject({ code: "not_found" });
    expect((await rollouts().list({}, stranger)).items).toEqual([]);
  });
});
