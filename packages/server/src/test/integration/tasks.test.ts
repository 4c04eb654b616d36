import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../ports/database.ts";
import {
  emptyDatabase,
  freshDatabase,
  orchestrate,
  root,
  someone,
  type TestOrchestrator,
} from "../orchestrate.ts";

let database: Database;
let muster: TestOrchestrator;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await emptyDatabase(database);
  muster = await orchestrate(database, { leaseMs: 1_000, heartbeatMs: 300 });
});
afterEach(() => muster.stop());

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

describe("a task", () => {
  it("goes from submission to its result", async () => {
    await muster.agent(echo());
    const [task] = await muster.finish({ capability: "echo", input: { n: 1 } });
    expect(task).toMatchObject({
      status: "completed",
      output: { n: 1 },
      agent: "echo",
      attempts: 1,
      error: null,
    });
    const events = await muster.orchestrator.events.read(0, { taskId: task?.id as string }, someone);
    expect(events.map((event) => event.type)).toEqual(["task.submitted", "task.started", "task.completed"]);
  });

  it("waits for its agent to join", async () => {
    const [task] = await muster.orchestrator.tasks.submit([{ capability: "echo", input: 1 }], someone);
    expect((await muster.orchestrator.tasks.explain(task?.id as string, someone)).summary).toBe(
      "No live agent offers capability echo.",
    );
    await muster.agent(echo());
    expect((await muster.orchestrator.tasks.wait(task?.id as string, 5_000, someone)).status).toBe(
      "completed",
    );
  });

  it("goes to the agent that it names, by name and by id", async () => {
    await muster.agent(echo("one", { id: "agent-one" }));
    await muster.agent(echo("two", { id: "agent-two" }));
    const done = await muster.finish(
      { capability: "echo", agent: "two" },
      { agent: "agent-one", capability: "echo" },
      { capability: "echo", agent: "two" },
    );
    expect(done.map((task) => task.agent)).toEqual(["two", "one", "two"]);
  });

  it("needs an agent with its tools", async () => {
    await muster.agent(echo("bare"));
    await muster.agent({
      name: "tooled",
      capabilities: [{ name: "echo", tools: ["git", "read"], handler: () => null }],
    });
    const [task] = await muster.finish({ capability: "echo", tools: ["git"] });
    expect(task?.agent).toBe("tooled");
  });

  it("is tried again as a row with a time, and its failed attempts are kept", async () => {
    let tries = 0;
    await muster.agent({
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
    const [task] = await muster.finish({ capability: "flaky", retry: { delayMs: 20, factor: 2 } });
    expect(task).toMatchObject({ status: "completed", attempts: 3, output: 3 });
    expect(task?.failedAttempts.map((a) => [a.number, a.error.message])).toEqual([
      [1, "no 1"],
      [2, "no 2"],
    ]);
  });

  it("fails when its attempts are used up, and can be retried by hand", async () => {
    let healthy = false;
    await muster.agent({
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
    const [task] = await muster.finish({ capability: "flaky", retry: { maxAttempts: 2, delayMs: 5 } });
    expect(task).toMatchObject({ status: "failed", attempts: 2, error: { message: "not yet" } });
    healthy = true;
    await muster.orchestrator.tasks.retry(task?.id as string, someone);
    const again = await muster.orchestrator.tasks.wait(task?.id as string, 5_000, someone);
    expect(again).toMatchObject({ status: "completed", output: "well", attempts: 3 });
    await expect(muster.orchestrator.tasks.retry(task?.id as string, someone)).rejects.toMatchObject({
      code: "not_retryable",
    });
  });

  it("times out, and the agent's work is aborted", async () => {
    const reasons: unknown[] = [];
    await muster.agent({
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
    const [task] = await muster.finish({ capability: "slow", timeoutMs: 80, retry: { maxAttempts: 1 } });
    expect(task).toMatchObject({ status: "failed", error: { code: "timeout" } });
    await expect.poll(() => reasons.length).toBe(1);
  });

  it("fails at its deadline even while nobody can do it", async () => {
    const [task] = await muster.finish({ capability: "nobody", deadlineMs: 50 });
    expect(task).toMatchObject({ status: "failed", error: { code: "deadline" }, attempts: 0 });
  });

  it("is created once per idempotency key, also when both come at once", async () => {
    const { tasks } = muster.orchestrator;
    const submission = [{ capability: "echo", idempotencyKey: "once" }];
    const answers = await Promise.all([1, 2, 3].map(() => tasks.submit(submission, someone)));
    expect(new Set(answers.map(([task]) => task?.id)).size).toBe(1);
    expect(answers.filter(([task]) => task?.duplicate).length).toBe(2);
    const other = await tasks.submit(submission, { ...someone, tenant: "other" });
    expect(other[0]?.duplicate).toBe(false);
  });

  it("is not another tenant's to see", async () => {
    const [task] = await muster.orchestrator.tasks.submit([{ capability: "echo" }], someone);
    const stranger = { ...someone, tenant: "other" };
    await expect(muster.orchestrator.tasks.get(task?.id as string, stranger)).rejects.toMatchObject({
      code: "not_found",
    });
    expect((await muster.orchestrator.tasks.list({}, stranger)).items).toEqual([]);
    expect((await muster.orchestrator.tasks.list({}, root)).items).toHaveLength(1);
  });
});

describe("dependencies", () => {
  it("follow the join policies", async () => {
    await muster.agent(echo());
    await muster.agent(failing);
    const done = await muster.finish(
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
    await muster.agent(echo());
    await muster.agent(failing);
    const [good, bad] = await muster.finish({ capability: "echo" }, { capability: "fail" });
    const done = await muster.finish(
      { capability: "echo", dependsOn: [good?.id as string] },
      { capability: "echo", dependsOn: [good?.id as string, bad?.id as string] },
      { capability: "echo", dependsOn: [good?.id as string, bad?.id as string], join: "any" },
    );
    expect(done.map((task) => task.status)).toEqual(["completed", "failed", "completed"]);
  });

  it("added while the older task is under way are not missed", async () => {
    let release: (() => void) | undefined;
    await muster.agent({
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
    await muster.agent(echo());
    const { tasks } = muster.orchestrator;
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
    await expect(muster.orchestrator.tasks.submit(circle, someone)).rejects.toMatchObject({
      code: "cycle",
      message: "The tasks wait for each other: a → c → b → a.",
    });
    expect((await muster.orchestrator.tasks.list({}, root)).items).toEqual([]);
    expect(await muster.orchestrator.events.latest()).toBe(0);
  });

  it("on a task that is not there are refused", async () => {
    const nowhere = "01a20433-0000-7000-8000-000000000000";
    await expect(
      muster.orchestrator.tasks.submit([{ capability: "echo", dependsOn: [nowhere] }], someone),
    ).rejects.toMatchObject({ code: "unknown_dependency" });
    await expect(
      muster.orchestrator.tasks.submit([{ capability: "echo", dependsOn: ["typo"] }], someone),
    ).rejects.toMatchObject({ code: "unknown_dependency" });
  });
});

describe("order", () => {
  const gate = (started: string[]) => ({
    name: "gate",
    maxConcurrency: 1,
    capabilities: [
      {
        name: "work",
        handler: (ctx: { input: unknown }) => {
          started.push(ctx.input as string);
        },
      },
    ],
  });

  it("is by priority, then by age", async () => {
    const started: string[] = [];
    const tasks = (["low", "critical", "medium", "background", "high", "medium"] as const).map(
      (priority, place) => ({
        capability: "work",
        priority,
        input: `${priority} ${place}`,
      }),
    );
    const submitted = await muster.orchestrator.tasks.submit(tasks, someone);
    await muster.agent(gate(started));
    for (const { id } of submitted) await muster.orchestrator.tasks.wait(id, 5_000, someone);
    expect(started).toEqual(["critical 1", "high 4", "medium 2", "medium 5", "low 0", "background 3"]);
  });

  it("is fair between tenants inside one priority, by weight", async () => {
    const started: string[] = [];
    await database.execute("insert into tenant (id, weight) values ('heavy', 2)");
    const { tasks } = muster.orchestrator;
    const many = (tenant: string, count: number) =>
      tasks.submit(
        Array.from({ length: count }, () => ({ capability: "work", input: tenant })),
        { ...someone, tenant },
      );
    await many("greedy", 300);
    const last = [...(await many("modest", 3)), ...(await many("heavy", 6))];
    await muster.agent(gate(started));
    for (const { id } of last) await tasks.wait(id, 10_000, root);
    const turns = started.slice(0, 13);
    expect(turns.filter((tenant) => tenant === "modest")).toHaveLength(3);
    expect(turns.filter((tenant) => tenant === "heavy")).toHaveLength(6);
  });
});

describe("cancel", () => {
  it("reaches sub-tasks, dependents and running agents, and nothing is accepted afterwards", async () => {
    const aborted: string[] = [];
    const hang = (ctx: { signal: AbortSignal; capability: string | null }) =>
      new Promise((_, reject) => {
        ctx.signal.addEventListener("abort", () => {
          aborted.push(ctx.capability as string);
          reject(new Error("stopped"));
        });
      });
    await muster.agent({ name: "leaf", maxConcurrency: 4, capabilities: [{ name: "hang", handler: hang }] });
    await muster.agent({
      name: "parent",
      capabilities: [
        {
          name: "parent",
          handler: (ctx) => ctx.delegateAll([{ capability: "hang" }, { capability: "hang" }]),
        },
      ],
    });
    const { tasks } = muster.orchestrator;
    const [parent, dependent] = await tasks.submit(
      [
        { ref: "p", capability: "parent" },
        { capability: "hang", dependsOn: ["p"] },
      ],
      someone,
    );
    const id = parent?.id as string;
    await expect
      .poll(async () => (await tasks.list({ parentId: id, status: "in_progress" }, someone)).items.length)
      .toBe(2);
    expect((await tasks.get(id, someone)).status).toBe("waiting");
    const report = await tasks.cancel(id, someone);
    expect(report.cancelled).toHaveLength(3);
    expect(report.stopped.map((stop) => stop.agent).filter((agent) => agent === "leaf")).toHaveLength(2);
    expect((await tasks.wait(dependent?.id as string, 5_000, someone)).error?.code).toBe("dependency_failed");
    await expect.poll(() => aborted).toEqual(["hang", "hang"]);
    expect((await tasks.list({ status: "completed" }, someone)).items).toEqual([]);
    await expect(tasks.cancel(id, someone)).rejects.toMatchObject({ code: "not_cancellable" });
  });
});

describe("leases", () => {
  it("bring back the work of an agent that falls silent, and refuse its late result", async () => {
    const { gateway, tasks } = muster.orchestrator;
    const inbox: { taskId: string; leaseToken: string }[] = [];
    const registration = { name: "silent", capabilities: [{ name: "job" }] };
    const session = await gateway.register(registration, root, (message) => {
      if (message.type === "task_request") inbox.push(message.payload as (typeof inbox)[number]);
    });
    const [task] = await tasks.submit([{ capability: "job", retry: { delayMs: 1 } }], someone);
    await expect.poll(() => inbox.length).toBe(1);
    await muster.agent({ name: "steady", capabilities: [{ name: "job", handler: () => "done" }] });
    const done = await tasks.wait(task?.id as string, 10_000, someone);
    expect(done).toMatchObject({ status: "completed", agent: "steady", output: "done", attempts: 2 });
    const late = { ...(inbox[0] as object), outcome: { status: "completed", output: "late" } };
    const { taskId, leaseToken } = inbox[0] as (typeof inbox)[number];
    await gateway.register({ ...registration, id: session.agentId }, root, () => {});
    await expect(
      gateway.request(session.agentId, "settle", {
        taskId,
        leaseToken,
        outcome: (late as { outcome: unknown }).outcome,
      }),
    ).rejects.toMatchObject({ code: "lease_lost" });
    expect((await tasks.get(task?.id as string, someone)).output).toBe("done");
  });

  it("never give an agent more than it can hold, however many want it", async () => {
    let now = 0;
    let most = 0;
    await muster.agent({
      name: "narrow",
      maxConcurrency: 3,
      capabilities: ["a", "b", "c"].map((name) => ({
        name,
        handler: async () => {
          now += 1;
          most = Math.max(most, now);
          await new Promise((resolve) => setTimeout(resolve, 2));
          now -= 1;
        },
      })),
    });
    const many = Array.from({ length: 60 }, (_, n) => ({ capability: ["a", "b", "c"][n % 3] as string }));
    const done = await muster.finish(...many);
    expect(done.every((task) => task.status === "completed")).toBe(true);
    expect(most).toBe(3);
  });
});

describe("an output that breaks its schema", () => {
  it("is refused by the orchestrator even if the agent does not check it", async () => {
    const { gateway, tasks } = muster.orchestrator;
    let got: { taskId: string; leaseToken: string } | undefined;
    const schema = { type: "object", required: ["ok"], properties: { ok: { type: "boolean" } } };
    const { agentId } = await gateway.register(
      { name: "careless", capabilities: [{ name: "job", outputSchema: schema }] },
      root,
      (message) => {
        if (message.type === "task_request") got = message.payload as typeof got;
      },
    );
    const [task] = await tasks.submit([{ capability: "job", retry: { maxAttempts: 1 } }], someone);
    await expect.poll(() => got).toBeDefined();
    const { taskId, leaseToken } = got as NonNullable<typeof got>;
    await expect(
      gateway.request(agentId, "settle", {
        taskId,
        leaseToken,
        outcome: { status: "completed", output: { ok: "yes" } },
      }),
    ).rejects.toMatchObject({ code: "invalid_output" });
    expect(await tasks.get(task?.id as string, someone)).toMatchObject({
      status: "failed",
      error: { code: "invalid_output" },
    });
  });
});
