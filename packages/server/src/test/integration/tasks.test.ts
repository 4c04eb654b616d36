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

describe("a task", () => {
  it("goes from submission to its result", async () => {
    await at.muster.agent(echo());
    const [task] = await at.muster.finish({ capability: "echo", input: { n: 1 } });
    expect(task).toMatchObject({
      status: "completed",
      output: { n: 1 },
      agent: "echo",
      attempts: 1,
      error: null,
    });
    const events = await at.muster.orchestrator.events.read(0, { taskId: task?.id as string }, someone);
    expect(events.map((event) => event.type)).toEqual(["task.submitted", "task.started", "task.completed"]);
  });

  it("waits for its agent to join", async () => {
    const [task] = await at.muster.orchestrator.tasks.submit([{ capability: "echo", input: 1 }], someone);
    expect((await at.muster.orchestrator.tasks.explain(task?.id as string, someone)).summary).toBe(
      "No live agent offers capability echo.",
    );
    await at.muster.agent(echo());
    expect((await at.muster.orchestrator.tasks.wait(task?.id as string, 5_000, someone)).status).toBe(
      "completed",
    );
  });

  it("goes to the agent that it names, by name and by id", async () => {
    await at.muster.agent(echo("one", { id: "agent-one" }));
    await at.muster.agent(echo("two", { id: "agent-two" }));
    const done = await at.muster.finish(
      { capability: "echo", agent: "two" },
      { agent: "agent-one", capability: "echo" },
      { capability: "echo", agent: "two" },
    );
    expect(done.map((task) => task.agent)).toEqual(["two", "one", "two"]);
  });

  it("needs an agent with its tools", async () => {
    await at.muster.agent(echo("bare"));
    await at.muster.agent({
      name: "tooled",
      capabilities: [{ name: "echo", tools: ["git", "read"], handler: () => null }],
    });
    const [task] = await at.muster.finish({ capability: "echo", tools: ["git"] });
    expect(task?.agent).toBe("tooled");
  });

  it("is tried again as a row with a time, and its failed attempts are kept", async () => {
    let tries = 0;
    await at.muster.agent({
      name: "flaky",
      capabilities: [
        {
          name: "flaky",
          handler: () => {
            tries += 1;
            if (tries < 3) throw new Error(`no ${tries}`);
            return tries;
          },
        },
      ],
    });
    const [task] = await at.muster.finish({ capability: "flaky", retry: { delayMs: 20, factor: 2 } });
    expect(task).toMatchObject({ status: "completed", attempts: 3, output: 3 });
    expect(task?.failedAttempts.map((a) => [a.number, a.error.message])).toEqual([
      [1, "no 1"],
      [2, "no 2"],
    ]);
  });

  it("fails when its attempts are used up, and can be retried by hand", async () => {
    let healthy = false;
    await at.muster.agent({
      name: "flaky",
      capabilities: [
        {
          name: "flaky",
          handler: () => {
            if (!healthy) throw new Error("not yet");
            return "well";
          },
        },
      ],
    });
    const [task] = await at.muster.finish({ capability: "flaky", retry: { maxAttempts: 2, delayMs: 5 } });
    expect(task).toMatchObject({ status: "failed", attempts: 2, error: { message: "not yet" } });
    healthy = true;
    await at.muster.orchestrator.tasks.retry(task?.id as string, someone);
    const again = await at.muster.orchestrator.tasks.wait(task?.id as string, 5_000, someone);
    expect(again).toMatchObject({ status: "completed", output: "well", attempts: 3 });
    await expect(at.muster.orchestrator.tasks.retry(task?.id as string, someone)).rejects.toMatchObject({
      code: "not_retryable",
    });
  });

  it("times out, and the agent's work is aborted", async () => {
    const reasons: unknown[] = [];
    await at.muster.agent({
      name: "slow",
      maxConcurrency: 2,
      capabilities: [
        {
          name: "slow",
          handler: (ctx) =>
            new Promise((_, reject) => {
              ctx.signal.addEventListener("abort", () => {
                reasons.push(ctx.signal.reason);
                reject(new Error("stopped"));
              });
            }),
        },
      ],
    });
    const [task] = await at.muster.finish({ capability: "slow", timeoutMs: 80, retry: { maxAttempts: 1 } });
    expect(task).toMatchObject({ status: "failed", error: { code: "timeout" } });
    await expect.poll(() => reasons.length).toBe(1);
  });

  it("fails at its deadline even while nobody can do it", async () => {
    const [task] = await at.muster.finish({ capability: "nobody", deadlineMs: 50 });
    expect(task).toMatchObject({ status: "failed", error: { code: "deadline" }, attempts: 0 });
  });

  it("is created once per idempotency key, also when both come at once", async () => {
    const { tasks } = at.muster.orchestrator;
    const submission = [{ capability: "echo", idempotencyKey: "once" }];
    const answers = await Promise.all([1, 2, 3].map(() => tasks.submit(submission, someone)));
    expect(new Set(answers.map(([task]) => task?.id)).size).toBe(1);
    expect(answers.filter(([task]) => task?.duplicate).length).toBe(2);
    const other = await tasks.submit(submission, { ...someone, tenant: "other" });
    expect(other[0]?.duplicate).toBe(false);
  });

  it("is not another tenant's to see", async () => {
    const [task] = await at.muster.orchestrator.tasks.submit([{ capability: "echo" }], someone);
    const stranger = { ...someone, tenant: "other" };
    await expect(at.muster.orchestrator.tasks.get(task?.id as string, stranger)).rejects.toMatchObject({
      code: "not_found",
    });
    expect((await at.muster.orchestrator.tasks.list({}, stranger)).items).toEqual([]);
    expect((await at.muster.orchestrator.tasks.list({}, root)).items).toHaveLength(1);
  });
});
