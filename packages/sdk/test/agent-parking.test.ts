import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { MusterError } from "../src/protocol/index.ts";
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

const operations = (orchestrator: FakeOrchestrator) =>
  orchestrator.requests.map(({ operation }) => operation);
const subTasks = (orchestrator: FakeOrchestrator) =>
  [...orchestrator.tasks.values()].filter((task) => task.parentId);

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
