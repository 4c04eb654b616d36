import { describe, expect, it } from "vitest";
import { root, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator({ leaseMs: 1_000, heartbeatMs: 300 });
/** An agent that answers with what it got. */
const echo = (name = "echo", more = {}) => ({
  name,
  maxConcurrency: 8,
  capabilities: [{ name: "echo", handler: (ctx: { input: unknown }) => ctx.input as object }],
  ...more,
});
const failing = {
  name: "failing",
  capabilities: [
    {
      name: "fail",
      handler: () => {
        throw Object.assign(new Error("it broke"), { code: "broken", retryable: false });
      },
    },
  ],
};

describe("dependencies", () => {
  it("follow the join policies", async () => {
    await at.muster.agent(echo());
    await at.muster.agent(failing);
    const done = await at.muster.finish(
      { ref: "good", capability: "echo" },
      { ref: "bad", capability: "fail" },
      { capability: "echo", dependsOn: ["good", "bad"], join: "all" },
      { capability: "echo", dependsOn: ["good", "bad"], join: "settled" },
      { capability: "echo", dependsOn: ["bad", "good"], join: "any" },
      { capability: "echo", dependsOn: ["bad"], join: "any" },
    );
    expect(done.map((task) => task.status)).toEqual([
      "completed",
      "failed",
      "failed",
      "completed",
      "completed",
      "failed",
    ]);
    expect(done[2]?.error).toMatchObject({ code: "dependency_failed", taskId: done[1]?.id });
  });

  it("may be on tasks that were submitted, and ended, long before", async () => {
    await at.muster.agent(echo());
    await at.muster.agent(failing);
    const [good, bad] = await at.muster.finish({ capability: "echo" }, { capability: "fail" });
    const done = await at.muster.finish(
      { capability: "echo", dependsOn: [good?.id as string] },
      { capability: "echo", dependsOn: [good?.id as string, bad?.id as string] },
      { capability: "echo", dependsOn: [good?.id as string, bad?.id as string], join: "any" },
    );
    expect(done.map((task) => task.status)).toEqual(["completed", "failed", "completed"]);
  });

  it("added while the older task is under way are not missed", async () => {
    let release: (() => void) | undefined;
    await at.muster.agent({
      name: "slow",
      capabilities: [
        {
          name: "slow",
          handler: () =>
            new Promise<void>((resolve) => {
              release = resolve;
            }),
        },
      ],
    });
    await at.muster.agent(echo());
    const { tasks } = at.muster.orchestrator;
    const [older] = await tasks.submit([{ capability: "slow" }], someone);
    const olderId = older?.id as string;
    await expect.poll(() => release).toBeDefined();
    const [late] = await tasks.submit([{ capability: "echo", dependsOn: [olderId] }], someone);
    expect(late?.status).toBe("blocked");
    release?.();
    expect((await tasks.wait(late?.id as string, 5_000, someone)).status).toBe("completed");
  });

  it("in a circle are refused with the path, and nothing is left behind", async () => {
    const circle = [
      { ref: "a", capability: "echo", dependsOn: ["c"] },
      { ref: "b", capability: "echo", dependsOn: ["a"] },
      { ref: "c", capability: "echo", dependsOn: ["b"] },
    ];
    await expect(at.muster.orchestrator.tasks.submit(circle, someone)).rejects.toMatchObject({
      code: "cycle",
      message: "The tasks wait for each other: a → c → b → a.",
    });
    expect((await at.muster.orchestrator.tasks.list({}, root)).items).toEqual([]);
    expect(await at.muster.orchestrator.events.latest()).toBe(0);
  });

  it("on a task that is not there are refused", async () => {
    const nowhere = "01a20433-0000-7000-8000-000000000000";
    await expect(
      at.muster.orchestrator.tasks.submit([{ capability: "echo", dependsOn: [nowhere] }], someone),
    ).rejects.toMatchObject({ code: "unknown_dependency" });
    await expect(
      at.muster.orchestrator.tasks.submit([{ capability: "echo", dependsOn: ["typo"] }], someone),
    ).rejects.toMatchObject({ code: "unknown_dependency" });
  });
});
