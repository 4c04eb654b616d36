import { afterEach, describe, expect, it } from "vitest";
import { createAgent } from "../src/agent/create-agent.ts";
import { limits, MusterError } from "../src/protocol/index.ts";
import { FakeOrchestrator } from "./fake-orchestrator.ts";
import { gate, startTestAgent, stopTestAgents } from "./start-test-agent.ts";
import { settled } from "./test-clock.ts";

afterEach(stopTestAgents);

const numbers = {
  name: "work",
  inputSchema: { type: "object", required: ["n"], properties: { n: { type: "number" } } },
  outputSchema: { type: "object", required: ["twice"], properties: { twice: { type: "number" } } },
};

describe("an attempt", () => {
  it("gets the input and settles with the output", async () => {
    const orchestrator = new FakeOrchestrator();
    await startTestAgent(orchestrator, ({ input, attempt, maxAttempts }) => ({
      input,
      attempt,
      maxAttempts,
    }));
    const task = orchestrator.submit({ capability: "work", input: { n: 1 } });
    await settled();
    expect(task).toMatchObject({
      status: "completed",
      output: { input: { n: 1 }, attempt: 1, maxAttempts: 4 },
    });
  });

  it("refuses an input that breaks its schema, for good", async () => {
    const orchestrator = new FakeOrchestrator();
    let calls = 0;
    await startTestAgent(orchestrator, () => calls++, {
      capabilities: [{ ...numbers, handler: () => calls++ }],
    });
    const task = orchestrator.submit({ capability: "work", input: { n: "1" } });
    await settled();
    expect(task).toMatchObject({
      status: "failed",
      attempt: 1,
      error: { code: "invalid_input", retryable: false },
    });
    expect(task.error?.message).toContain("/n must be number");
    expect(calls).toBe(0);
  });

  it("fails with invalid_output when the output breaks its schema, and may be tried again", async () => {
    const orchestrator = new FakeOrchestrator();
    const handler = ({ input, attempt }: { input: { n: number }; attempt: number }) =>
      attempt === 1 ? { twice: "many" } : { twice: input.n * 2 };
    await startTestAgent(orchestrator, () => null, { capabilities: [{ ...numbers, handler }] });
    const task = orchestrator.submit({ capability: "work", input: { n: 4 } });
    await settled();
    expect(orchestrator.accepted[0]?.outcome).toMatchObject({
      status: "failed",
      error: { code: "invalid_output", retryable: true },
    });
    expect(task).toMatchObject({ status: "completed", attempt: 2, output: { twice: 8 } });
  });

  it.each([
    ["a function", () => () => 1],
    [
      "a circle",
      () => {
        const circle: Record<string, unknown> = {};
        circle.self = circle;
        return circle;
      },
    ],
    ["a bigint", () => 1n],
  ])("fails with invalid_output when the output is %s", async (_, work) => {
    const orchestrator = new FakeOrchestrator();
    await startTestAgent(orchestrator, work);
    orchestrator.submit({ capability: "work", retry: { maxAttempts: 1 } });
    await settled();
    expect(orchestrator.accepted).toMatchObject([{ outcome: { error: { code: "invalid_output" } } }]);
  });

  it("fails with payload_too_large when the output is too large", async () => {
    const orchestrator = new FakeOrchestrator();
    await startTestAgent(orchestrator, () => "é".repeat(limits.payloadBytes / 2));
    const task = orchestrator.submit({ capability: "work" });
    await settled();
    expect(task).toMatchObject({ status: "failed", error: { code: "payload_too_large", retryable: false } });
  });

  it("turns what the handler throws into the task's error", async () => {
    const orchestrator = new FakeOrchestrator();
    const thrown: unknown[] = [
      Object.assign(new Error("busy"), { code: "overloaded", retryable: true, retryAfterMs: 1_500.2 }),
      new MusterError("forbidden", "not yours"),
      new Error("plain"),
      "a text",
    ];
    await startTestAgent(orchestrator, ({ input }) => {
      throw thrown[input as number];
    });
    for (const input of thrown.keys())
      orchestrator.submit({ capability: "work", input, retry: { maxAttempts: 1 } });
    await settled();
    expect(orchestrator.accepted.map(({ outcome }) => outcome.status === "failed" && outcome.error)).toEqual([
      { code: "overloaded", message: "busy", retryable: true, retryAfterMs: 1_501 },
      { code: "forbidden", message: "not yours", retryable: false },
      { code: "agent_error", message: "plain" },
      { code: "agent_error", message: "a text" },
    ]);
  });

  it("settles with a failure when the orchestrator refuses the output", async () => {
    const orchestrator = new FakeOrchestrator();
    orchestrator.before = (operation, body) => {
      const { status } = (body.outcome ?? {}) as { status?: string };
      if (operation === "settle" && status === "completed")
        throw new MusterError("invalid_request", "too deep");
    };
    await startTestAgent(orchestrator, () => "deep");
    const task = orchestrator.submit({ capability: "work" });
    await settled();
    expect(task).toMatchObject({ status: "failed", error: { code: "invalid_request", message: "too deep" } });
  });

  it("takes a task without a capability when there is only one, and refuses it otherwise", async () => {
    const orchestrator = new FakeOrchestrator();
    const { agent } = await startTestAgent(orchestrator, () => "done");
    const task = orchestrator.submit({ capability: "work" });
    task.capability = null;
    Object.assign(task, { status: "in_progress", token: task.id, agentId: agent.id, attempt: 1 });
    orchestrator.send(agent.id as string, { type: "task_request", payload: orchestrator.assignmentOf(task) });
    await settled();
    expect(task).toMatchObject({ status: "completed", output: "done" });
  });
});

describe("concurrency", () => {
  it("never runs more handlers than the agent's own limit, even if more are handed out", async () => {
    const orchestrator = new FakeOrchestrator();
    let running = 0;
    let most = 0;
    const open = gate();
    const { agent } = await startTestAgent(
      orchestrator,
      async () => {
        most = Math.max(most, ++running);
        await open.promise;
        running--;
      },
      { maxConcurrency: 2 },
    );
    const registered = orchestrator.agents.get(agent.id as string);
    registered!.registration.maxConcurrency = 10;
    const tasks = Array.from({ length: 10 }, () => orchestrator.submit({ capability: "work" }));
    await settled();
    expect(running).toBe(2);
    open.open();
    await settled();
    expect(most).toBe(2);
    expect(tasks.every((task) => task.status === "completed")).toBe(true);
  });

  it("ignores a repeated assignment, while it works and after it", async () => {
    const orchestrator = new FakeOrchestrator();
    let calls = 0;
    const open = gate();
    const { agent } = await startTestAgent(orchestrator, async () => {
      calls++;
      await open.promise;
    });
    const task = orchestrator.submit({ capability: "work" });
    await settled();
    const message = { type: "task_request", payload: orchestrator.assignmentOf(task) } as const;
    orchestrator.send(agent.id as string, message);
    open.open();
    await settled();
    orchestrator.send(agent.id as string, message);
    await settled();
    expect(calls).toBe(1);
    expect(orchestrator.accepted).toHaveLength(1);
  });

  it("does not let another agent hand out or stop work", async () => {
    const orchestrator = new FakeOrchestrator();
    const open = gate();
    let calls = 0;
    const { agent } = await startTestAgent(
      orchestrator,
      async () => {
        calls++;
        await open.promise;
        return "kept";
      },
      { maxConcurrency: 5 },
    );
    const task = orchestrator.submit({ capability: "work" });
    await settled();
    const payload = { ...orchestrator.assignmentOf(task), leaseToken: "forged", attempt: 9 };
    orchestrator.send(agent.id as string, { type: "task_request", from: "intruder", payload });
    const stop = { event: "task.stop", taskId: task.id, reason: "cancelled" };
    orchestrator.send(agent.id as string, { type: "event", from: "intruder", payload: stop });
    open.open();
    await settled();
    expect({ calls, output: task.output }).toEqual({ calls: 1, output: "kept" });
  });
});

describe("createAgent", () => {
  it("refuses a definition that is not right before anything is connected", () => {
    const handler = () => null;
    const capability = { name: "x", handler };
    expect(() => createAgent({ name: "no spaces", capabilities: [capability] })).toThrow(/\/name must match/);
    expect(() => createAgent({ name: "a", id: "orchestrator", capabilities: [] })).toThrow(/\/id must match/);
    expect(() => createAgent({ name: "a", capabilities: [capability, capability] })).toThrow(
      /two capabilities "x"/,
    );
    expect(() =>
      createAgent({ name: "a", capabilities: [{ ...capability, inputSchema: { type: "nonsense" } }] }),
    ).toThrow(/input schema of x is not a usable JSON Schema/);
    expect(() =>
      createAgent({
        name: "a",
        capabilities: [{ ...capability, inputSchema: { description: "x".repeat(70_000) } }],
      }),
    ).toThrow(/65536 are allowed/);
  });

  it("is started once and can be started again after it was stopped, under the same id", async () => {
    const orchestrator = new FakeOrchestrator();
    const { agent } = await startTestAgent(orchestrator, () => null);
    const id = agent.id;
    await expect(agent.start({ transport: orchestrator.transport() })).rejects.toMatchObject({
      code: "conflict",
    });
    await agent.stop();
    await agent.start({ transport: orchestrator.transport() });
    expect(agent.id).toBe(id);
  });
});
