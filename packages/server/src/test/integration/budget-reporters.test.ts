import { createAgent, createClient } from "@muster/sdk";
import type { Budget, Message, TaskAssignment, UsageAnswer } from "@muster/sdk/protocol";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createSystemClock } from "../../adapters/clock/system-clock.ts";
import { createInMemoryRateLimits } from "../../adapters/rate-limits/in-memory/create-in-memory-rate-limits.ts";
import { createApi } from "../../api/create-api.ts";
import { createRecordUsage } from "../../core/budgets/record-usage.ts";
import type { Database } from "../../ports/database.ts";
import { emptyDatabase, freshDatabase, root, someone } from "../orchestrate.ts";
import { startTwoNodes, type TwoNodes } from "../two-nodes.ts";

const patience = { timeout: 15_000 };
let database: Database;
let nodes: TwoNodes;
let held: TaskAssignment[];
let agentId: string;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await emptyDatabase(database);
  nodes = await startTwoNodes(database, { leaseMs: 120_000, heartbeatMs: 40_000 });
  held = [];
  const line = (message: Message) =>
    void (message.type === "task_request" && held.push(message.payload as TaskAssignment));
  const hand = { name: "hand", maxConcurrency: 20, capabilities: [{ name: "pay" }] };
  ({ agentId } = await nodes.one.orchestrator.gateway.register(hand, root, line));
});
afterEach(() => nodes.stop());

/** A run of so many tasks under a budget, all of them in the hands of one agent. */
async function holdTasks(count: number, budget: Budget): Promise<{ id: string; tasks: TaskAssignment[] }> {
  held = [];
  const items = Array.from({ length: count }, (_, n) => n);
  const workflow = { name: "test", steps: { all: { capability: "pay", "for-each": items } } };
  const { id } = await nodes.one.orchestrator.runs.start({ workflow, budget }, someone);
  await expect.poll(() => held.length, patience).toBe(count);
  return { id, tasks: held };
}
const report = (
  { taskId, leaseToken }: TaskAssignment,
  node: number,
  call: { key: string; kind: "reserve" | "spent"; moneyMicros: number },
): Promise<UsageAnswer> =>
  (node % 2 === 0 ? nodes.one : nodes.other).orchestrator.gateway.request(agentId, "usage", {
    ...{ taskId, leaseToken },
    ...call,
  });
const budgetOf = async (id: string) => {
  const { budget } = await nodes.other.orchestrator.runs.get(id, someone);
  if (budget === null) throw new Error("The run has no budget.");
  return budget;
};

describe("concurrent reporters at several nodes", () => {
  const calls = fc.array(
    fc.record({
      most: fc.integer({ min: 0, max: 60 }),
      part: fc.integer({ min: 0, max: 100 }),
      twice: fc.boolean(),
    }),
    { maxLength: 4 },
  );

  it("that reserve before each call never spend more than there is, and every call counts once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(calls, { minLength: 2, maxLength: 4 }),
        fc.integer({ min: 1, max: 150 }),
        async (plans, limit) => {
          const { id, tasks } = await holdTasks(plans.length, { moneyMicros: limit, onReached: "pause" });
          let spent = 0;
          await Promise.all(
            plans.map(async (plan, n) => {
              for (const [index, { most, part, twice }] of plan.entries()) {
                const task = tasks[n] as TaskAssignment;
                const reserve = { key: `c${index}`, kind: "reserve", moneyMicros: most } as const;
                const [answer] = await Promise.all([
                  report(task, n, reserve),
                  ...(twice ? [report(task, n + 1, reserve)] : []),
                ]);
                if (!answer.granted) return;
                const cost = Math.floor((most * part) / 100);
                spent += cost;
                const used = { key: `c${index}`, kind: "spent", moneyMicros: cost } as const;
                await Promise.all([report(task, n + 1, used), ...(twice ? [report(task, n, used)] : [])]);
                expect((await budgetOf(id)).spent.moneyMicros).toBeLessThanOrEqual(limit);
              }
            }),
          );
          const budget = await budgetOf(id);
          expect(budget.spent.moneyMicros).toBe(spent);
          expect(spent).toBeLessThanOrEqual(limit);
          await nodes.one.orchestrator.runs.cancel(id, someone).catch(() => {});
        },
      ),
      { numRuns: 10 },
    );
  });

  it("that only tell afterwards are above the budget by the calls under way and no more", async () => {
    const { id, tasks } = await holdTasks(3, { moneyMicros: 100, onReached: "pause" });
    for (let n = 0; (await budgetOf(id)).reached === null; n++)
      await report(tasks[n % 3] as TaskAssignment, n, { key: `c${n}`, kind: "spent", moneyMicros: 30 });
    const { spent } = await budgetOf(id);
    expect(spent.moneyMicros).toBeGreaterThanOrEqual(100);
    expect(spent.moneyMicros).toBeLessThan(130);
    for (const [n, task] of tasks.entries())
      expect(await report(task, n, { key: "next", kind: "reserve", moneyMicros: 1 })).toMatchObject({
        granted: false,
      });
  });
});

it("a node that dies between a report and what follows from it has others pause the run, and hands nothing out", async () => {
  const { id, tasks } = await holdTasks(1, { moneyMicros: 10, concurrency: 1, onReached: "pause" });
  const steps = { one: { capability: "pay" }, two: { capability: "pay", needs: "one" } };
  held = [];
  const workflow = { name: "two", steps };
  const other = await nodes.one.orchestrator.runs.start(
    { workflow, budget: { moneyMicros: 10, onReached: "pause" } },
    someone,
  );
  await expect.poll(() => held.length, patience).toBe(1);
  const [first] = held as [TaskAssignment];
  // What a node does up to the commit, and nothing of what it would have done then.
  const record = createRecordUsage({ ...nodes.one.ports, onReached: () => {} });
  const { taskId, leaseToken: token } = first;
  await record({ taskId, token, key: "call", kind: "spent", amount: { money: 10, tokens: 0 } });
  const { gateway } = nodes.other.orchestrator;
  await gateway.request(agentId, "settle", {
    ...{ taskId, leaseToken: token },
    outcome: { status: "completed", output: null },
  });
  await expect
    .poll(async () => (await nodes.other.orchestrator.runs.get(other.id, someone)).status, patience)
    .toBe("paused");
  expect(held).toHaveLength(1);
  await nodes.other.orchestrator.runs.resume(other.id, { add: { moneyMicros: 10 } }, someone);
  await expect.poll(() => held.length, patience).toBe(2);
  expect((await budgetOf(id)).reached).toBeNull();
  expect(tasks).toHaveLength(1);
});

it("an agent over HTTP spends what a task's budget has, waits, and goes on once it is raised", async () => {
  const { orchestrator } = nodes.other;
  const rateLimits = createInMemoryRateLimits({ clock: createSystemClock() });
  const api = await createApi({ orchestrator, rateLimits, log: false, version: "1" });
  onTestFinished(() => api.close());
  const url = await api.listen({ host: "127.0.0.1", port: 0 });
  const keyOf = async (role: "client" | "agent") =>
    (await orchestrator.keys.create({ name: role, role, tenant: "default" }, root)).key;
  const client = createClient({ url, apiKey: await keyOf("client") });
  const cost = { moneyMicros: 10 };
  const agent = createAgent({
    name: "caller",
    capabilities: [
      {
        name: "call",
        async handler(ctx) {
          // Each call is a step: the next attempt takes its result over and does not pay for it again.
          for (const n of [1, 2, 3])
            await ctx.step(`call ${n}`, () =>
              ctx.withinBudget(`call ${n}`, cost, async () => ({ value: n, used: cost })),
            );
          return "called";
        },
      },
    ],
  });
  await agent.start({ url, apiKey: await keyOf("agent"), transport: "http" });
  onTestFinished(() => agent.stop(0));
  const budget: Budget = { moneyMicros: 20, onReached: "pause" };
  const { id } = await client.tasks.submit({ capability: "call", budget });
  const spent = async () => (await client.tasks.get(id)).budget;
  await expect.poll(async () => (await spent())?.reached?.kind, patience).toBe("money");
  expect(await spent()).toMatchObject({ spent: { moneyMicros: 20 } });
  // The attempt ends when it finds that there is nothing left.
  await expect.poll(async () => (await client.tasks.get(id)).status, patience).not.toBe("in_progress");
  await client.tasks.resume(id, { add: { moneyMicros: 10 } });
  expect(await client.tasks.wait(id, { timeoutMs: 30_000 })).toMatchObject({
    status: "completed",
    output: "called",
  });
  expect(await spent()).toMatchObject({ spent: { moneyMicros: 30 } });
});
