import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MusterError } from "../src/protocol/index.ts";
import { FakeOrchestrator } from "./fake-orchestrator.ts";
import { gate, startTestAgent } from "./start-test-agent.ts";
import { settled } from "./test-clock.ts";

const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
beforeAll(() => process.on("unhandledRejection", note));
afterAll(() => {
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

const operations = (orchestrator: FakeOrchestrator) =>
  orchestrator.requests.map(({ operation }) => operation);
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

describe("a parked attempt", () => {
  it("is resumed although the answer to its wait was lost", async () => {
    const orchestrator = new FakeOrchestrator();
    let lose = 1;
    orchestrator.after = (operation) => {
      if (operation === "wait" && lose-- > 0) throw new MusterError("unavailable", "cut");
    };
    const { clock } = await startTestAgent(orchestrator, async ({ delegate }) => delegate("elsewhere", 1));
    const parent = orchestrator.submit({ capability: "work" });
    await settled();
    orchestrator.finish(subTasks(orchestrator)[0]!.id, "answer");
    await clock.advance(5_000);
    expect(parent).toMatchObject({ status: "completed", attempt: 1, output: "answer" });
  });

  it("takes over the resumption that overtook the answer to its wait", async () => {
    const orchestrator = new FakeOrchestrator();
    orchestrator.after = (operation, body) => {
      // Everything that follows happens before the agent sees the answer.
      if (operation !== "wait" || orchestrator.task(body.taskId as string).status !== "waiting") return;
      orchestrator.finish((body.taskIds as string[])[0]!, "fast");
      orchestrator.dispatch();
    };
    await startTestAgent(orchestrator, async ({ delegate }) => delegate("elsewhere", 1));
    const parent = orchestrator.submit({ capability: "work" });
    await settled();
    expect(parent).toMatchObject({ status: "completed", attempt: 1, output: "fast" });
    expect(operations(orchestrator)).toEqual(["delegate", "wait", "wait", "settle"]);
  });

  it("settles with the token it has when its handler ends meanwhile", async () => {
    const orchestrator = new FakeOrchestrator();
    const enough = gate<string>();
    await startTestAgent(orchestrator, ({ delegate }) =>
      Promise.race([delegate("elsewhere", 1), enough.promise]),
    );
    const parent = orchestrator.submit({ capability: "work" });
    await settled();
    expect(parent.status).toBe("waiting");
    enough.open("did not wait");
    await settled();
    expect(parent).toMatchObject({ status: "completed", output: "did not wait" });
  });

  it("journals under its old token, and under the new one when that is too late", async () => {
    const orchestrator = new FakeOrchestrator();
    const open = gate();
    const { agent } = await startTestAgent(orchestrator, async ({ delegate, step }) => {
      const waiting = delegate("elsewhere", 1);
      await step("while parked", () => open.promise);
      return waiting;
    });
    const parent = orchestrator.submit({ capability: "work" });
    await settled();
    // The orchestrator has handed it out again, but the message is still on its way.
    const id = agent.id as string;
    const { deliver } = orchestrator.agents.get(id)!;
    const late: Parameters<typeof deliver>[0][] = [];
    orchestrator.attach(id, (message) => late.push(message));
    orchestrator.finish(subTasks(orchestrator)[0]!.id, "answer");
    await settled();
    open.open();
    await settled();
    expect(parent.journal).toEqual([]);
    for (const message of late) deliver(message);
    await settled();
    expect(parent).toMatchObject({
      status: "completed",
      output: "answer",
      journal: [{ key: "while parked" }],
    });
  });

  it("survives one heartbeat that does not know its old lease, and not two", async () => {
    const orchestrator = new FakeOrchestrator({ heartbeatMs: 1_000 });
    const ended: string[] = [];
    const { clock } = await startTestAgent(orchestrator, async ({ delegate }) => {
      await delegate("elsewhere", 1).catch((error: MusterError) => ended.push(error.code));
    });
    const parent = orchestrator.submit({ capability: "work" });
    await settled();
    orchestrator.expire(parent.id, false);
    await clock.advance(1_000);
    expect(ended).toEqual([]);
    await clock.advance(1_000);
    expect(ended).toEqual(["lease_lost"]);
  });

  it("is run from the start, over its journal, by a process that has no continuation of it", async () => {
    const orchestrator = new FakeOrchestrator();
    const ran: string[] = [];
    const work = async ({ step, delegate }: Parameters<Parameters<typeof startTestAgent>[1]>[0]) => {
      const first = await step("first", () => ran.push("first"));
      const answer = await delegate("elsewhere", 1);
      return { first, answer };
    };
    const { agent } = await startTestAgent(orchestrator, work, { id: "same" });
    const parent = orchestrator.submit({ capability: "work" });
    await settled();
    await agent.stop(0);
    // Another process under the same id, as after a restart; the task still waits.
    Object.assign(parent, {
      status: "waiting",
      agentId: "same",
      token: parent.id,
      attempt: 1,
      resumed: true,
    });
    parent.waitsFor = { taskIds: subTasks(orchestrator).map(({ id }) => id), mode: "all" };
    await startTestAgent(orchestrator, work, { id: "same" });
    orchestrator.finish(subTasks(orchestrator)[0]!.id, "answer");
    await settled();
    expect(parent).toMatchObject({ status: "completed", attempt: 1, output: { first: 1, answer: "answer" } });
    expect(ran).toEqual(["first"]);
    expect(subTasks(orchestrator)).toHaveLength(1);
  });

  it("waits for a slot when it is resumed and none is free", async () => {
    const orchestrator = new FakeOrchestrator();
    const open = gate();
    const { agent } = await startTestAgent(orchestrator, async ({ input, delegate }) => {
      if (input === "parent") return delegate("elsewhere", 1);
      return open.promise;
    });
    const parent = orchestrator.submit({ capability: "work", input: "parent" });
    await settled();
    orchestrator.submit({ capability: "work", input: "other" });
    await settled();
    orchestrator.agents.get(agent.id as string)!.registration.maxConcurrency = 2;
    orchestrator.finish(subTasks(orchestrator)[0]!.id, "answer");
    await settled();
    expect(parent.status).toBe("in_progress");
    open.open();
    await settled();
    expect(parent.output).toBe("answer");
  });
});
