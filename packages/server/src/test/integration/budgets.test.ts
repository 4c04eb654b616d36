import type { RunDetail, TaskContext } from "@muster/sdk";
import type { Budget, Message, TaskAssignment } from "@muster/sdk/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { root, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator();
let done: unknown[];
let mostAtOnce: number;
beforeEach(async () => {
  done = [];
  mostAtOnce = 0;
  let now = 0;
  const pay = async (ctx: TaskContext) => {
    mostAtOnce = Math.max(mostAtOnce, ++now);
    try {
      const { cost = 0, as = null } = ctx.input as { cost?: number; as?: unknown };
      await ctx.withinBudget("call", { moneyMicros: cost }, async () => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        return { value: null, used: { moneyMicros: cost } };
      });
      done.push(as);
      return as;
    } finally {
      now -= 1;
    }
  };
  await at.muster.agent({
    name: "spender",
    maxConcurrency: 8,
    capabilities: [
      { name: "pay", handler: pay },
      { name: "list", handler: (ctx) => ctx.input },
      {
        name: "share",
        handler: (ctx) => ctx.delegateAll(ctx.input as Parameters<TaskContext["delegateAll"]>[0]),
      },
    ],
  });
});

const start = async (steps: object, budget: Budget): Promise<string> => {
  const { runs } = at.muster.orchestrator;
  return (await runs.start({ workflow: { name: "test", steps }, budget }, someone)).id;
};
const end = (id: string): Promise<RunDetail> => at.muster.orchestrator.runs.wait(id, 10_000, someone);
const run = async (steps: object, budget: Budget): Promise<RunDetail> => end(await start(steps, budget));
const types = async (runId: string) =>
  (await at.muster.orchestrator.events.read(0, { runId }, someone)).map((event) => event.type);

/** Each costs 10, one after the other. */
const chain = (length: number) =>
  Object.fromEntries(
    Array.from({ length }, (_, n) => [
      `s${n}`,
      { capability: "pay", with: { cost: 10, as: n }, ...(n === 0 ? {} : { needs: `s${n - 1}` }) },
    ]),
  );
const fan = (count: number, cost = 10) => ({
  all: {
    capability: "pay",
    "for-each": Array.from({ length: count }, (_, n) => n),
    with: { cost, as: "${{ item }}" },
  },
});

describe("a run within its budget", () => {
  it("shows what it spent", async () => {
    const detail = await run(chain(3), { moneyMicros: 31, tokens: 5, timeMs: 60_000, tasks: 3, depth: 2 });
    expect(detail).toMatchObject({
      status: "completed",
      budget: {
        limits: { moneyMicros: 31, tokens: 5, timeMs: 60_000, tasks: 3, depth: 2 },
        onReached: "fail",
        spent: { moneyMicros: 30, tokens: 0, tasks: 3 },
        reserved: { moneyMicros: 0, tokens: 0 },
        reached: null,
      },
    });
  });

  it("has no more tasks in progress at once than it may", async () => {
    const detail = await run({ ...fan(20, 0), other: { capability: "pay" } }, { concurrency: 3 });
    expect(detail.status).toBe("completed");
    expect(done).toHaveLength(21);
    expect(mostAtOnce).toBe(3);
  });
});

describe("a run that reaches its budget", () => {
  it("fails with the cause named, and nothing more is begun", async () => {
    const detail = await run(chain(4), { moneyMicros: 25 });
    expect(detail).toMatchObject({
      status: "failed",
      error: {
        code: "budget_reached",
        message: "The run's budget of 0.000025 money was reached: 0.000020 is spent.",
      },
      budget: { spent: { moneyMicros: 20 }, reached: { kind: "money" } },
    });
    expect(done).toEqual([0, 1]);
    expect(detail.steps.map((step) => step.status)).toEqual([
      "completed",
      "completed",
      "cancelled",
      "cancelled",
    ]);
    expect(await types(detail.id)).toContain("budget.reached");
  });

  it("pauses, keeps what it has and goes on where it was once it is raised", async () => {
    const id = await start(chain(4), { moneyMicros: 25, onReached: "pause" });
    expect(await end(id)).toMatchObject({ status: "paused", finishedAt: null });
    const held = (await at.muster.orchestrator.runs.get(id, someone)).tasks.find(
      (task) => task.status === "ready",
    );
    const explain = () => at.muster.orchestrator.tasks.explain(held?.id as string, someone);
    // The run pauses first, and what is ready in it is held back right after.
    await expect
      .poll(async () => (await explain()).summary)
      .toBe("It is held back: The run's budget of 0.000025 money was reached: 0.000020 is spent.");
    expect((await explain()).nextSteps).toEqual([`muster run resume ${id} --add money=1`]);
    const { runs, tasks } = at.muster.orchestrator;
    await expect.poll(async () => (await tasks.list({ status: "ready" }, someone)).items.length).toBe(1);
    expect((await runs.list({ status: "paused" }, someone)).items).toHaveLength(1);
    expect((await runs.list({ status: "running" }, someone)).items).toEqual([]);
    expect(await tasks.deadlocks(someone)).toEqual([]);
    await expect(runs.resume(id, {}, someone)).resolves.toMatchObject({ status: "running" });
    expect(await end(id)).toMatchObject({ status: "paused" });
    await runs.resume(id, { add: { moneyMicros: 20 } }, someone);
    const detail = await end(id);
    expect(detail).toMatchObject({ status: "completed", budget: { spent: { moneyMicros: 40 } } });
    expect(done).toEqual([0, 1, 2, 3]);
    // Attempts that only met a paused budget were none.
    expect(detail.tasks.map((task) => task.attempts)).toEqual([1, 1, 1, 1]);
    const told = await types(id);
    expect(told.filter((type) => type === "run.paused")).toHaveLength(2);
    expect(told.filter((type) => type === "run.resumed")).toHaveLength(2);
  });

  it("completes with what there is where the rest is skipped", async () => {
    const detail = await run(
      {
        ...fan(6),
        after: { capability: "list", needs: "all" },
      },
      { moneyMicros: 35, onReached: "skip-rest", concurrency: 1 },
    );
    expect(detail.status).toBe("completed");
    expect(detail.steps[0]).toMatchObject({
      status: "completed",
      reason: expect.stringContaining("3 of 6 tasks were skipped"),
    });
    expect(detail.steps[1]).toMatchObject({ status: "skipped" });
    expect(detail.budget?.reached?.kind).toBe("money");
    expect(done).toHaveLength(3);
  });

  it("lets what began and had to wait for room come to its end where the rest is skipped", async () => {
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    await at.muster.agent({
      name: "late",
      capabilities: [
        { name: "gate", handler: () => opened },
        {
          name: "twice",
          handler: async (ctx) => {
            if (ctx.attempt === 1) throw new Error("Not yet.");
            await ctx.withinBudget("call", { moneyMicros: 20 }, async () => ({
              value: null,
              used: { moneyMicros: 20 },
            }));
          },
        },
      ],
    });
    const id = await start(
      {
        parent: {
          capability: "share",
          with: [{ capability: "gate" }],
          priority: "background",
        },
        urgent: { capability: "twice", priority: "critical", retry: { attempts: 2, delay: 0.05 } },
      },
      { moneyMicros: 15, onReached: "skip-rest", concurrency: 1 },
    );
    await expect
      .poll(async () => (await types(id)).filter((type) => type === "task.waiting"))
      .toHaveLength(1);
    const held = async () =>
      (await at.muster.orchestrator.runs.get(id, someone)).tasks.filter((task) => task.status === "ready");
    await expect.poll(async () => (await held()).length).toBe(1);
    open();
    const detail = await end(id);
    expect(detail.budget?.reached?.kind).toBe("money");
    expect(detail.tasks.find((task) => task.capability === "share")?.status).toBe("completed");
  });
});

describe("a pausing budget that is raised before the attempt that it stopped says so", () => {
  type Lease = Pick<TaskAssignment, "taskId" | "leaseToken">;
  const held: TaskAssignment[] = [];
  const outOfBudget = { code: "budget_reached", message: "Nothing is left.", retryable: false } as const;
  let agentId: string;
  beforeEach(async () => {
    held.length = 0;
    const line = (message: Message) =>
      void (message.type === "task_request" && held.push(message.payload as TaskAssignment));
    const slow = { name: "slow", capabilities: [{ name: "wait" }] };
    ({ agentId } = await at.muster.orchestrator.gateway.register(slow, root, line));
  });
  const handedOut = async (count: number): Promise<TaskAssignment> => {
    await expect.poll(() => held.length, { timeout: 15_000 }).toBe(count);
    return held[count - 1] as TaskAssignment;
  };
  const begin = async (budget: Budget) => {
    const id = await start({ one: { capability: "wait", retry: 1 } }, { onReached: "pause", ...budget });
    const { taskId, leaseToken } = await handedOut(1);
    return { id, lease: { taskId, leaseToken } };
  };
  const settle = ({ taskId, leaseToken }: Lease, outcome: object) =>
    at.muster.orchestrator.gateway.request(agentId, "settle", { taskId, leaseToken, outcome } as never);

  it.each(["a call", "a sub-task"])("has %s that it refused made again, for no attempt", async (what) => {
    const { gateway, runs } = at.muster.orchestrator;
    const { id, lease } = await begin(what === "a call" ? { moneyMicros: 10 } : { tasks: 1 });
    if (what === "a call") {
      const call = { ...lease, key: "call", kind: "reserve", moneyMicros: 11 } as const;
      expect(await gateway.request(agentId, "usage", call)).toMatchObject({ granted: false });
    } else {
      const tasks = [{ capability: "pay" }];
      await expect(
        gateway.request(agentId, "delegate", { ...lease, key: "more", tasks } as never),
      ).rejects.toMatchObject({ code: "budget_reached" });
    }
    await runs.resume(id, { add: what === "a call" ? { moneyMicros: 10 } : { tasks: 1 } }, someone);
    await settle(lease, { status: "failed", error: outOfBudget });
    const again = await handedOut(2);
    expect(again).toMatchObject({ taskId: lease.taskId, attempt: 1 });
    await settle(again, { status: "completed", output: null });
    expect(await end(id)).toMatchObject({ status: "completed", tasks: [{ attempts: 1 }] });
  });

  it("spares nothing under a later lease, nor where it never refused anything", async () => {
    const { gateway, runs } = at.muster.orchestrator;
    const { id, lease } = await begin({ moneyMicros: 10 });
    await gateway.request(agentId, "usage", { ...lease, key: "call", kind: "reserve", moneyMicros: 11 });
    await runs.resume(id, { add: { moneyMicros: 10 } }, someone);
    await settle(lease, { status: "failed", error: outOfBudget });
    await settle(await handedOut(2), { status: "failed", error: outOfBudget });
    expect(await end(id)).toMatchObject({ status: "failed" });
    expect(held).toHaveLength(2);
  });
});

describe("budgets of sub-tasks", () => {
  const share = (tasks: object[]) => ({ all: { capability: "share", with: tasks } });
  const pays = (cost: number, more: object = {}) => ({ capability: "pay", input: { cost }, ...more });

  it("are charged together with those above, and end only what is below them", async () => {
    const tight = { budget: { moneyMicros: 5 } };
    const detail = await run(share([pays(4, tight), pays(9, tight), pays(3)]), { moneyMicros: 20 });
    expect(detail.status).toBe("completed");
    expect(detail.budget?.spent.moneyMicros).toBe(7);
    const output = (detail.output as { all: { status: string; error: { code: string } | null }[] }).all;
    expect(output.map((result) => result.status)).toEqual(["completed", "failed", "completed"]);
    expect(output[1]?.error?.code).toBe("budget_reached");
  });

  it("are never larger, and never deeper than allowed", async () => {
    const larger = await run(share([pays(1, { budget: { moneyMicros: 21 } })]), { moneyMicros: 20 });
    expect(larger.error?.message).toContain("more than the 20 of the budget above");
    const deeper = await run(share([pays(1)]), { depth: 0 });
    expect(deeper.error?.message).toContain("0 levels of delegation");
  });

  it("pause the run where tasks are used up, and go on when there may be more", async () => {
    const id = await start(share([pays(1), pays(1)]), { tasks: 2, onReached: "pause" });
    expect(await end(id)).toMatchObject({ status: "paused", budget: { reached: { kind: "tasks" } } });
    const { runs, tasks } = at.muster.orchestrator;
    await expect.poll(async () => (await tasks.list({ status: "ready" }, someone)).items.length).toBe(1);
    await runs.resume(id, { add: { tasks: 1 } }, someone);
    expect(await end(id)).toMatchObject({ status: "completed", budget: { spent: { tasks: 3 } } });
  });

  it("end a run whose time is over", async () => {
    const detail = await run({ never: { capability: "nobody" } }, { timeMs: 100 });
    expect(detail).toMatchObject({ status: "failed", budget: { reached: { kind: "time" } } });
  });
});
