import { MusterError } from "@muster/sdk/protocol";
import { describe, expect, it, vi } from "vitest";
import { root, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator({ leaseMs: 1_000, heartbeatMs: 300 });

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
    const submitted = await at.muster.orchestrator.tasks.submit(tasks, someone);
    await at.muster.agent(gate(started));
    for (const { id } of submitted) await at.muster.orchestrator.tasks.wait(id, 5_000, someone);
    expect(started).toEqual(["critical 1", "high 4", "medium 2", "medium 5", "low 0", "background 3"]);
  });

  it("is fair between tenants inside one priority, by weight", async () => {
    const started: string[] = [];
    await at.database.execute("insert into tenant (id, weight) values ('heavy', 2)");
    const { tasks } = at.muster.orchestrator;
    const many = (tenant: string, count: number) =>
      tasks.submit(
        Array.from({ length: count }, () => ({ capability: "work", input: tenant })),
        { ...someone, tenant },
      );
    await many("greedy", 300);
    const last = [...(await many("modest", 3)), ...(await many("heavy", 6))];
    await at.muster.agent(gate(started));
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
    await at.muster.agent({
      name: "leaf",
      maxConcurrency: 4,
      capabilities: [{ name: "hang", handler: hang }],
    });
    await at.muster.agent({
      name: "parent",
      capabilities: [
        {
          name: "parent",
          handler: (ctx) => ctx.delegateAll([{ capability: "hang" }, { capability: "hang" }]),
        },
      ],
    });
    const { tasks } = at.muster.orchestrator;
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
    // On several connections the sub-tasks can be under way before their parent waits for them.
    await expect.poll(async () => (await tasks.get(id, someone)).status).toBe("waiting");
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
    const { gateway, tasks } = at.muster.orchestrator;
    const inbox: { taskId: string; leaseToken: string }[] = [];
    const registration = { name: "silent", capabilities: [{ name: "job" }] };
    const session = await gateway.register(registration, root, (message) => {
      if (message.type === "task_request") inbox.push(message.payload as (typeof inbox)[number]);
    });
    const [task] = await tasks.submit([{ capability: "job", retry: { delayMs: 1 } }], someone);
    await expect.poll(() => inbox.length).toBe(1);
    await at.muster.agent({ name: "steady", capabilities: [{ name: "job", handler: () => "done" }] });
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
    await at.muster.agent({
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
    const done = await at.muster.finish(...many);
    expect(done.every((task) => task.status === "completed")).toBe(true);
    expect(most).toBe(3);
  });
});

describe("a task that can't be sent to its agent", () => {
  it("is no attempt, and nothing against the agent", async () => {
    const { bus, registry } = at.muster.ports;
    const away = new MusterError("unavailable", "The message broker is out of reach.");
    const send = vi.spyOn(bus, "send").mockRejectedValue(away);
    const { id } = await at.muster.agent({ name: "hand", capabilities: [{ name: "job", handler: () => 1 }] });
    const { tasks, events } = at.muster.orchestrator;
    const [task] = await tasks.submit([{ capability: "job", retry: { maxAttempts: 1 } }], someone);
    await expect.poll(() => send.mock.calls.length, { timeout: 10_000 }).toBe(3);
    send.mockRestore();
    const done = await tasks.wait(task?.id as string, 10_000, someone);
    expect(done).toMatchObject({ status: "completed", attempts: 1, failedAttempts: [] });
    expect((await registry.get(id as string))?.outcomes.failures).toBe(0);
    const told = await events.read(0, { taskId: done.id }, someone, 100);
    expect(
      told.map(({ type, data }) => [type, data.attempt, (data.error as { code?: string })?.code]),
    ).toEqual([
      ["task.submitted", undefined, undefined],
      ...Array.from({ length: 3 }, () => [
        ["task.started", 1, undefined],
        ["task.retrying", 1, "undelivered"],
      ]).flat(),
      ["task.started", 1, undefined],
      ["task.completed", 1, undefined],
    ]);
  });
});

describe("a slot whose claim was held up for so long that it may be somebody else's by now", () => {
  /** Lets a long time pass once, when `happened` says so. */
  function standStill() {
    const { clock } = at.muster.ports;
    const now = clock.now;
    let lateMs = 0;
    vi.spyOn(clock, "now").mockImplementation(() => now() + lateMs);
    const happened = () => {
      lateMs = 2_600;
    };
    return { happened };
  }

  async function eventsOfOneTask(): Promise<string[]> {
    const send = vi.spyOn(at.muster.ports.bus, "send");
    await at.muster.agent({ name: "hand", capabilities: [{ name: "job", handler: () => 1 }] });
    const [done] = await at.muster.finish({ capability: "job", retry: { maxAttempts: 1 } });
    expect(done).toMatchObject({ status: "completed", attempts: 1, failedAttempts: [] });
    expect(send.mock.calls.filter(([message]) => message.type === "task_request")).toHaveLength(1);
    const told = await at.muster.orchestrator.events.read(0, { taskId: done!.id }, someone, 100);
    return told.map(({ type }) => type);
  }

  it("is not claimed", async () => {
    const { registry } = at.muster.ports;
    const { happened } = standStill();
    const reserve = registry.reserve.bind(registry);
    vi.spyOn(registry, "reserve").mockImplementationOnce(async (...slots) => {
      const granted = await reserve(...slots);
      happened();
      return granted;
    });
    expect(await eventsOfOneTask()).toEqual(["task.submitted", "task.started", "task.completed"]);
  });

  it("is given back unsent where the claim itself took so long", async () => {
    const { database } = at.muster.ports;
    const { happened } = standStill();
    const query = database.query.bind(database);
    vi.spyOn(database, "query").mockImplementation(async (statement, ...rest) => {
      const rows = await query(statement, ...rest);
      if (statement.name === "claim" && rows.length > 0) happened();
      return rows;
    });
    const again = ["task.started", "task.completed"];
    expect(await eventsOfOneTask()).toEqual(["task.submitted", "task.started", "task.retrying", ...again]);
  });
});

describe("an output that breaks its schema", () => {
  it("is refused by the orchestrator even if the agent does not check it", async () => {
    const { gateway, tasks } = at.muster.orchestrator;
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
