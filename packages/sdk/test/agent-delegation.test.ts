import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { FakeOrchestrator } from "./fake-orchestrator.ts";
import { gate, startTestAgent, stopTestAgents } from "./start-test-agent.ts";
import { settled } from "./test-clock.ts";

afterEach(stopTestAgents);

const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
beforeAll(() => process.on("unhandledRejection", note));
afterAll(() => {
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

const subTasks = (orchestrator: FakeOrchestrator) =>
  [...orchestrator.tasks.values()].filter((task) => task.parentId);

describe("delegate", () => {
  it("parks the attempt, frees the slot and goes on where it was", async () => {
    const orchestrator = new FakeOrchestrator();
    let calls = 0;
    await startTestAgent(orchestrator, async ({ input, delegate }) => {
      calls++;
      return input === "parent" ? `got ${await delegate("elsewhere", { a: 1 })}` : "ran in the freed slot";
    });
    const parent = orchestrator.submit({ capability: "work", input: "parent" });
    const other = orchestrator.submit({ capability: "work", input: "other" });
    await settled();
    expect(parent.status).toBe("waiting");
    expect(other).toMatchObject({ status: "completed", output: "ran in the freed slot" });
    const token = parent.token;
    orchestrator.finish(subTasks(orchestrator)[0]!.id, "the answer");
    await settled();
    expect(parent).toMatchObject({ status: "completed", attempt: 1, output: "got the answer" });
    expect(orchestrator.requests.at(-1)?.body.leaseToken).not.toBe(token);
    expect(calls).toBe(2);
  });

  it("goes on at once when the sub-task has ended already", async () => {
    const orchestrator = new FakeOrchestrator();
    orchestrator.scripts.set("double", (input) => (input as number) * 2);
    await startTestAgent(orchestrator, async ({ delegate }) => delegate("double", 21));
    const parent = orchestrator.submit({ capability: "work" });
    await settled();
    expect(parent.output).toBe(42);
    expect(orchestrator.requests[0]?.body).toMatchObject({
      key: "delegate:0",
      tasks: [{ capability: "double", input: 21 }],
    });
  });

  it("rejects with the sub-task's error, which becomes the task's own", async () => {
    const orchestrator = new FakeOrchestrator();
    const seen: unknown[] = [];
    await startTestAgent(orchestrator, async ({ delegate }) => {
      const abandoned = [delegate("elsewhere", 1), delegate("elsewhere", 2)];
      await abandoned[0]!.catch((error: unknown) => {
        seen.push(error);
        throw error;
      });
    });
    const parent = orchestrator.submit({ capability: "work" });
    await settled();
    const [first, second] = subTasks(orchestrator);
    orchestrator.failTask(first!.id, { code: "too_hard", message: "cannot" });
    orchestrator.failTask(second!.id, { code: "also", message: "no" });
    await settled();
    expect(seen).toMatchObject([
      { name: "DelegationError", code: "too_hard", message: "cannot", taskId: first!.id },
    ]);
    expect(parent).toMatchObject({
      status: "failed",
      error: { code: "too_hard", message: "cannot", taskId: first!.id, retryable: false },
    });
  });

  it("rejects for a cancelled sub-task", async () => {
    const orchestrator = new FakeOrchestrator();
    await startTestAgent(orchestrator, async ({ delegate }) => delegate("elsewhere", 1));
    const parent = orchestrator.submit({ capability: "work" });
    await settled();
    const [sub] = subTasks(orchestrator);
    orchestrator.cancel(sub!.id);
    await settled();
    expect(parent.error).toMatchObject({ code: "cancelled", taskId: sub!.id });
  });
});

describe("several waits at once", () => {
  it("are one wait for any, and each is answered when its own sub-tasks have ended", async () => {
    const orchestrator = new FakeOrchestrator();
    const order: string[] = [];
    await startTestAgent(orchestrator, async ({ delegate, delegateAll }) => {
      const results = await Promise.all([
        delegateAll([
          { capability: "slow", input: 1 },
          { capability: "slow", input: 2 },
        ]).then((both) => {
          order.push("both");
          return both.map(({ output }) => output);
        }),
        delegate("quick", 3).then((one) => {
          order.push("one");
          return one;
        }),
      ]);
      return results;
    });
    const parent = orchestrator.submit({ capability: "work" });
    await settled();
    const waits = () =>
      orchestrator.requests.filter(({ operation }) => operation === "wait").map(({ body }) => body);
    const [a, b, c] = subTasks(orchestrator).map(({ id }) => id);
    expect(waits()).toMatchObject([{ taskIds: [a, b, c], mode: "any" }]);
    orchestrator.finish(c!, "quick");
    await settled();
    expect(order).toEqual(["one"]);
    expect(waits().at(-1)).toMatchObject({ taskIds: [a, b], mode: "all" });
    orchestrator.finish(b!, "second");
    await settled();
    orchestrator.finish(a!, "first");
    await settled();
    expect(parent).toMatchObject({ status: "completed", output: [["first", "second"], "quick"] });
    expect(order).toEqual(["one", "both"]);
  });

  it("that are added while it is parked join the wait", async () => {
    const orchestrator = new FakeOrchestrator();
    const later = gate();
    const order: unknown[] = [];
    await startTestAgent(orchestrator, async ({ delegate, step }) => {
      const slow = delegate("elsewhere", "slow").then((output) => order.push(output));
      await step("meanwhile", () => later.promise);
      order.push(await delegate("elsewhere", "quick"));
      await slow;
      return order;
    });
    const parent = orchestrator.submit({ capability: "work" });
    await settled();
    expect(parent.status).toBe("waiting");
    later.open();
    await settled();
    const [slow, quick] = subTasks(orchestrator);
    expect(parent).toMatchObject({
      status: "waiting",
      waitsFor: { taskIds: [slow?.id, quick?.id], mode: "any" },
    });
    orchestrator.finish(quick!.id, "quick");
    await settled();
    expect(order).toEqual(["quick"]);
    orchestrator.finish(slow!.id, "slow");
    await settled();
    expect(parent).toMatchObject({ status: "completed", output: ["quick", "slow"] });
  });

  it("that are added while it is parked are answered at once when they have ended", async () => {
    const orchestrator = new FakeOrchestrator();
    orchestrator.scripts.set("double", (input) => (input as number) * 2);
    const later = gate();
    const enough = gate();
    await startTestAgent(orchestrator, async ({ delegate, step }) => {
      void delegate("elsewhere", "never");
      await step("meanwhile", () => later.promise);
      const four = await delegate("double", 2);
      await enough.promise;
      return four;
    });
    const parent = orchestrator.submit({ capability: "work" });
    await settled();
    later.open();
    await settled();
    enough.open();
    await settled();
    expect(parent).toMatchObject({ status: "completed", output: 4 });
  });

  it("delegateAll gives every result in order, however each ended", async () => {
    const orchestrator = new FakeOrchestrator();
    orchestrator.scripts.set("half", (input) => {
      if ((input as number) % 2 === 1) throw new Error("odd");
      return (input as number) / 2;
    });
    await startTestAgent(orchestrator, async ({ delegateAll }) => ({
      none: await delegateAll([]),
      some: await delegateAll([4, 5, 6].map((input) => ({ capability: "half", input }))),
    }));
    const parent = orchestrator.submit({ capability: "work" });
    await settled();
    expect(parent.output).toMatchObject({
      none: [],
      some: [
        { status: "completed", output: 2 },
        { status: "failed", error: { message: "odd" } },
        { status: "completed", output: 3 },
      ],
    });
  });
});
