import { describe, expect, it } from "vitest";
import { orchestrate, root, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator({ leaseMs: 1_500, heartbeatMs: 400 });

describe("delegation", () => {
  it("frees the slot: an agent with one slot can wait for itself", async () => {
    await at.muster.agent({
      name: "recursive",
      maxConcurrency: 1,
      capabilities: [
        {
          name: "factorial",
          handler: async (ctx) => {
            const n = ctx.input as number;
            return n <= 1 ? 1 : n * (await ctx.delegate<number>("factorial", n - 1));
          },
        },
      ],
    });
    const [task] = await at.muster.finish({ capability: "factorial", input: 6 });
    expect(task).toMatchObject({ status: "completed", output: 720, attempts: 1 });
  });

  it("ends at its greatest depth with a clear error", async () => {
    await at.muster.agent({
      name: "endless",
      maxConcurrency: 4,
      capabilities: [
        { name: "dig", handler: (ctx) => ctx.delegate("dig", {}, { retry: { maxAttempts: 1 } }) },
      ],
    });
    const [task] = await at.muster.finish({ capability: "dig", retry: { maxAttempts: 1 } });
    expect(task?.status).toBe("failed");
    expect(task?.error?.message).toContain("Delegation goes 16 levels deep at most");
  });

  it("cancels sub-tasks that nobody waits for any more when the parent ends", async () => {
    await at.muster.agent({
      name: "leaf",
      capabilities: [
        {
          name: "hang",
          handler: (ctx) =>
            new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(new Error("x")))),
        },
      ],
    });
    await at.muster.agent({
      name: "parent",
      capabilities: [
        {
          name: "hasty",
          handler: (ctx) => {
            ctx.delegate("hang", {}).catch(() => {});
            return new Promise((resolve) => setTimeout(() => resolve("left early"), 100));
          },
        },
      ],
    });
    const [task] = await at.muster.finish({ capability: "hasty" });
    expect(task?.output).toBe("left early");
    const [child] = (await at.muster.orchestrator.tasks.list({ parentId: task?.id as string }, someone))
      .items;
    expect(child).toMatchObject({ status: "cancelled", error: { code: "parent_ended" } });
  });

  it("refuses a sub-task that waits for its own ancestor, with the path", async () => {
    let message = "";
    await at.muster.agent({
      name: "parent",
      capabilities: [
        {
          name: "loop",
          handler: async (ctx) => {
            await ctx.delegate("loop", {}, { dependsOn: [ctx.taskId] }).catch((error: Error) => {
              message = error.message;
            });
          },
        },
      ],
    });
    await at.muster.finish({ capability: "loop" });
    expect(message).toContain("A sub-task can't wait for a task that waits for it");
  });
});

describe("deadlocks", () => {
  it("through sub-tasks are found and named; a busy agent is none", async () => {
    const { gateway, tasks } = at.muster.orchestrator;
    const held = new Map<string, string>();
    const { agentId } = await gateway.register(
      { name: "manual", maxConcurrency: 10, capabilities: [{ name: "a" }, { name: "b" }] },
      root,
      (message) => {
        if (message.type !== "task_request") return;
        const { taskId, leaseToken } = message.payload as { taskId: string; leaseToken: string };
        held.set(taskId, leaseToken);
      },
    );
    const [first, second] = await tasks.submit([{ capability: "a" }, { capability: "b" }], someone);
    await expect.poll(() => held.size).toBe(2);
    expect(await tasks.deadlocks(someone)).toEqual([]);
    const delegate = async (parent: string, other: string) => {
      const lease = { taskId: parent, leaseToken: held.get(parent) as string };
      const { taskIds } = await gateway.request(agentId, "delegate", {
        ...lease,
        key: "k",
        tasks: [{ capability: "a", dependsOn: [other] }],
      });
      await gateway.request(agentId, "wait", { ...lease, taskIds, mode: "all" });
      return taskIds[0] as string;
    };
    const firstId = first?.id as string;
    const secondId = second?.id as string;
    const below = [await delegate(firstId, secondId), await delegate(secondId, firstId)];
    const found = await tasks.deadlocks(someone);
    expect(found).toHaveLength(1);
    expect(found[0]?.kind).toBe("cycle");
    expect(new Set(found[0]?.taskIds)).toEqual(new Set([firstId, secondId, ...below]));
    const { reasons } = await tasks.explain(firstId, someone);
    expect(reasons[0]).toContain("These tasks wait for each other");
  });
});

describe("messages", () => {
  it("reach one agent, all agents, and come back as answers", async () => {
    const heard: unknown[] = [];
    await at.muster.agent({
      name: "listener",
      capabilities: [],
      onMessage: (message) => {
        heard.push(message.payload);
      },
      onQuery: (message) => ({ answer: (message.payload as { ask: number }).ask + 1 }),
    });
    await at.muster.agent({
      name: "speaker",
      capabilities: [
        {
          name: "speak",
          handler: async (ctx) => {
            await ctx.send("listener", "to you");
            await ctx.broadcast("to all");
            return ctx.query("listener", { ask: 41 });
          },
        },
      ],
    });
    const [task] = await at.muster.finish({ capability: "speak" });
    expect(task?.output).toEqual({ answer: 42 });
    await expect.poll(() => [...heard].sort()).toEqual(["to all", "to you"]);
  });

  it("that nobody answers or nobody can get end with an error", async () => {
    const { gateway } = at.muster.orchestrator;
    const quiet = { name: "quiet", capabilities: [] };
    const { agentId } = await gateway.register(quiet, root, () => {});
    await gateway.register({ name: "mute", capabilities: [] }, root, () => {});
    await expect(
      gateway.request(agentId, "query", { to: "mute", payload: 1, timeoutMs: 50 }),
    ).rejects.toMatchObject({ code: "no_reply" });
    await expect(gateway.request(agentId, "send", { to: "nobody", payload: 1 })).rejects.toMatchObject({
      code: "not_found",
    });
  });
});

describe("agents", () => {
  it("that fail are set aside by their health, and said to be", async () => {
    await at.muster.agent({
      name: "sick",
      capabilities: [
        {
          name: "job",
          handler: () => {
            throw Object.assign(new Error("bad"), { retryable: false });
          },
        },
      ],
    });
    for (let n = 0; n < 3; n++) await at.muster.finish({ capability: "job" });
    const [agent] = await at.muster.orchestrator.agents.list({ capability: "job" }, someone);
    expect(agent?.healthScore).toBeLessThan(0.7);
    expect(
      await at.muster.orchestrator.agents.list({ capability: "job", minHealthScore: 0.7 }, someone),
    ).toEqual([]);
    const [task] = await at.muster.orchestrator.tasks.submit([{ capability: "job" }], someone);
    const why = await at.muster.orchestrator.tasks.explain(task?.id as string, someone);
    expect(why.summary).toContain("taken or set aside");
    expect(why.reasons.join()).toContain("below 0.7");
  });

  it("are found by words that say what is to be done", async () => {
    const capabilities = [{ name: "review", description: "Reviews code for bugs", handler: () => "done" }];
    await at.muster.agent({ name: "reviewer", capabilities });
    await at.muster.agent({ name: "poet", capabilities: [{ name: "poem", handler: () => "done" }] });
    const { agents } = at.muster.orchestrator;
    const namesOf = async (query: string) => (await agents.list({ query }, someone)).map(({ name }) => name);
    expect(await namesOf("who can look for a bug?")).toEqual(["reviewer"]);
    expect(await namesOf("cooking")).toEqual([]);
    expect(await agents.list({ query: "poem", status: "maintenance" }, someone)).toEqual([]);
  });

  it("in maintenance get nothing until they are back", async () => {
    const agent = await at.muster.agent({
      name: "one",
      capabilities: [{ name: "job", handler: () => "done" }],
    });
    const { agents, tasks } = at.muster.orchestrator;
    await agents.setStatus(agent.id as string, "maintenance", root);
    const [task] = await tasks.submit([{ capability: "job" }], someone);
    expect((await tasks.wait(task?.id as string, 300, someone)).status).toBe("ready");
    await agents.setStatus(agent.id as string, "available", root);
    expect((await tasks.wait(task?.id as string, 5_000, someone)).status).toBe("completed");
    await expect(agents.setStatus(agent.id as string, "maintenance", someone)).rejects.toMatchObject({
      code: "forbidden",
    });
  });

  it("of a tenant see only its tasks", async () => {
    const { gateway, tasks } = at.muster.orchestrator;
    const got: string[] = [];
    await gateway.register(
      { name: "theirs", maxConcurrency: 5, capabilities: [{ name: "job" }] },
      { tenant: "theirs", role: "agent", name: "key" },
      (message) => got.push(message.taskId as string),
    );
    await tasks.submit([{ capability: "job" }], someone);
    const [own] = await tasks.submit([{ capability: "job" }], { ...someone, tenant: "theirs" });
    await expect.poll(() => got).toEqual([own?.id]);
    await expect(
      tasks.submit([{ capability: "job" }], { tenant: "theirs", role: "agent", name: "k" }),
    ).rejects.toMatchObject({
      code: "forbidden",
    });
  });

  it("with dangerous or broken schemas are refused", async () => {
    const register = (inputSchema: object) =>
      at.muster.orchestrator.gateway.register(
        { name: "x", capabilities: [{ name: "job", inputSchema: inputSchema as never }] },
        root,
        () => {},
      );
    await expect(register({ type: "string", pattern: "(a+)+$" })).rejects.toThrow("exponential time");
    await expect(register({ type: "nonsense" })).rejects.toThrow("does not compile");
    await expect(register({ description: "x".repeat(70_000) })).rejects.toMatchObject({
      code: "invalid_request",
    });
    expect(await at.muster.orchestrator.agents.list({}, root)).toEqual([]);
  });
});

describe("ended work", () => {
  it("is removed after its retention, except for what somebody still needs", async () => {
    await at.muster.stop();
    let now = Date.now();
    const timers: (() => void)[] = [];
    const clock = {
      now: () => now,
      setTimer: (delayMs: number, work: () => void) => {
        const timer = setTimeout(work, delayMs);
        timers.push(() => clearTimeout(timer));
        return { cancel: () => clearTimeout(timer) };
      },
    };
    at.muster = await orchestrate(at.database, { retentionMs: 3_600_000 }, { clock });
    await at.muster.agent({ name: "echo", capabilities: [{ name: "echo", handler: () => null }] });
    const [old, needed] = await at.muster.finish({ capability: "echo" }, { capability: "echo" });
    const { tasks } = at.muster.orchestrator;
    const never = await tasks.submit([{ capability: "nobody" }], someone);
    const [waiting] = await tasks.submit(
      [{ capability: "nobody", dependsOn: [needed?.id as string, never[0]?.id as string] }],
      someone,
    );
    now += 2 * 3_600_000;
    // It is counted before it is removed, so that a later round removes it.
    const look = () => {
      now += 60_000;
      return tasks.get(old?.id as string, someone).catch((e) => e.code);
    };
    await expect.poll(look, { timeout: 20_000, interval: 500 }).toBe("not_found");
    expect((await tasks.get(needed?.id as string, someone)).status).toBe("completed");
    expect((await tasks.get(waiting?.id as string, someone)).status).toBe("blocked");
    for (const cancel of timers) cancel();
  });
});
