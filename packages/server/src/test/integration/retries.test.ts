import { AttemptError, type MusterError, type RetryPolicy } from "@muster/sdk";
import { expect, it } from "vitest";
import type { Principal } from "../../core/orchestrator.ts";
import { createRetryBudgets } from "../../core/resilience/retry-budgets.ts";
import { orchestrate, root, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

/** However often an agent fails, it gets more work: these tests are about tasks. */
const settings = { policy: { minHealthScore: 0, maxLoadRatio: 1 }, breaker: { failures: 10_000 } };
const at = useOrchestrator(settings);
const budgetEvents = ["retry_budget.exhausted", "retry_budget.recovered"] as const;

/** An agent that fails every attempt in the same way. */
const broken = (failure: () => Error, retry?: RetryPolicy) =>
  at.muster.agent({
    name: "broken",
    maxConcurrency: 50,
    capabilities: [
      {
        name: "work",
        ...(retry && { retry }),
        handler: () => {
          throw failure();
        },
      },
    ],
  });

const fault = (code: string, rest: object = {}) => new AttemptError("It broke.", { code, ...rest });
const quick = { delayMs: 1, jitter: 0 };

const setPolicy = (tenant: string, policy: RetryPolicy, budget: object | null = null) =>
  at.database.query(
    {
      name: "test_set_policy",
      text: `insert into retry_policy (tenant, capability, policy, budget, set_at, set_by)
        values ($1, 'work', $2::json, $3::json, 0, 'test')
        on conflict (tenant, capability) do update set policy = excluded.policy, budget = excluded.budget`,
    },
    [tenant, JSON.stringify(policy), budget && JSON.stringify(budget)],
  );

it("the task's policy goes before the operator's, and that before the agent's", async () => {
  await broken(() => fault("x"), { maxAttempts: 5, ...quick });
  const [declared] = await at.muster.finish({ capability: "work" });
  expect(declared).toMatchObject({ status: "failed", attempts: 5, maxAttempts: 5 });
  await setPolicy("*", { maxAttempts: 3 });
  expect((await at.muster.finish({ capability: "work" }))[0]).toMatchObject({ attempts: 3, maxAttempts: 3 });
  await setPolicy("default", { maxAttempts: 2 });
  const two = await at.muster.finish(
    { capability: "work" },
    { capability: "work", retry: { maxAttempts: 1 } },
  );
  expect(two.map((task) => task.attempts)).toEqual([2, 1]);
});

it("codes decide, whatever the agent says", async () => {
  await broken(() => fault("flaky", { retryable: false }));
  const retry = { maxAttempts: 3, ...quick };
  const [plain, always] = await at.muster.finish(
    { capability: "work", retry },
    { capability: "work", retry: { ...retry, always: ["flaky"] } },
  );
  expect([plain?.attempts, always?.attempts]).toEqual([1, 3]);
  await setPolicy("*", { never: ["flaky"] });
  expect((await at.muster.finish({ capability: "work", retry }))[0]).toMatchObject({ attempts: 1 });
});

it("each attempt is told with its own time, and a rate limit is waited for", async () => {
  await broken(() => fault("rate_limited", { retryAfterMs: 60 }));
  const [task] = await at.muster.finish({ capability: "work", retry: { maxAttempts: 3, ...quick } });
  const tried = task?.failedAttempts ?? [];
  expect(tried.map(({ number, agent, error }) => [number, agent, error.code])).toEqual(
    [1, 2, 3].map((n) => [n, "broken", "rate_limited"]),
  );
  for (const [index, attempt] of tried.entries()) {
    expect(attempt.finishedAt >= attempt.startedAt).toBe(true);
    const before = tried[index - 1];
    if (before === undefined) continue;
    expect(Date.parse(attempt.startedAt) - Date.parse(before.finishedAt)).toBeGreaterThanOrEqual(60);
  }
});

it("an admin sets policies for a tenant of their own, and one of all tenants for any", async () => {
  const { retryPolicies } = at.muster.orchestrator;
  const admin: Principal = { tenant: "default", role: "admin", name: "boss" };
  const budget = { perMinute: 5 };
  await expect(retryPolicies.set("work", { budget }, someone)).rejects.toMatchObject({ code: "forbidden" });
  await expect(retryPolicies.set("work", { tenant: "*", budget }, admin)).rejects.toMatchObject({
    code: "forbidden",
  });
  const common = await retryPolicies.set("work", { policy: { maxAttempts: 2 } }, root);
  expect(common).toMatchObject({ tenant: "*", policy: { maxAttempts: 2 }, budget: null, setBy: "test" });
  expect(await retryPolicies.get("work", someone)).toEqual(common);
  expect(await retryPolicies.set("work", { budget }, admin)).toMatchObject({
    tenant: "default",
    policy: {},
    budget,
  });
  expect(await retryPolicies.get("work", someone)).toMatchObject({ tenant: "default", setBy: "boss" });
  expect(await retryPolicies.list({ ...admin, tenant: "other" })).toEqual([common]);
  expect((await retryPolicies.remove("work", admin)).tenant).toBe("default");
  expect(await retryPolicies.list(admin)).toEqual([common]);
  for (const [update, member] of [
    [{}, "policy"],
    [{ budget: { perMinute: 0 } }, "perMinute"],
    [{ policy: { delayMs: 5, maxDelayMs: 1 } }, "maxDelayMs"],
    [{ polcy: {} }, "polcy"],
  ] as const) {
    const refusal = await retryPolicies.set("work", update as object, admin).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "invalid_request" });
    expect(`${(refusal as MusterError).message} ${(refusal as MusterError).hint}`).toContain(member);
  }
});

it.each([
  [{ maxAttempts: -1 }, "maxAttempts"],
  [{ maxAttempts: Number.NaN }, "maxAttempts"],
  [{ delayMs: 10, maxDelayMs: 5 }, "maxDelayMs"],
  [{ jitter: "some" }, "jitter"],
  [{ backoff: "random" }, "backoff"],
  [{ retries: 3 }, "retries"],
])("a bad policy %j is refused with the member named", async (retry, member) => {
  const submit = at.muster.orchestrator.tasks.submit(
    [{ capability: "work", retry: retry as RetryPolicy }],
    someone,
  );
  await expect(submit).rejects.toMatchObject({
    code: "invalid_request",
    message: expect.stringContaining(member),
  });
  await expect(broken(() => fault("x"), retry as RetryPolicy)).rejects.toThrow(member);
});

it("beyond its budget a capability's retries wait, over all nodes, and completed tasks let more through", async () => {
  await setPolicy("*", { maxAttempts: 2, ...quick }, { perMinute: 5, share: 0 });
  const other = await orchestrate(at.database, settings, {
    registry: at.muster.ports.registry,
    bus: at.muster.ports.bus,
  });
  let begun = 0;
  await broken(() => {
    begun += 1;
    return fault("x");
  });
  const from = Date.now();
  const nodes = [at.muster, other];
  const batches = await Promise.all(
    nodes.map((node) =>
      node.orchestrator.tasks.submit(
        Array.from({ length: 30 }, () => ({ capability: "work" })),
        someone,
      ),
    ),
  );
  const ids = batches.flat().map((task) => task.id);
  const stateOf = async () => (await at.muster.orchestrator.tasks.list({ limit: 500 }, root)).items;
  const held = () =>
    at.database.query({
      name: "test_held",
      text: "select id from task where retry_gated and ready_at is null",
    });
  await expect.poll(async () => (await held()).length, { timeout: 20_000 }).toBeGreaterThan(45);
  const waiting = (await stateOf()).filter((task) => task.status === "ready");
  const minutes = (Date.now() - from) / 60_000;
  expect(begun).toBeLessThanOrEqual(60 + 5 * (1 + minutes) + 1);
  const why = await at.muster.orchestrator.tasks.explain(waiting[0]?.id as string, root);
  expect(why.summary).toMatch(/retry budget of work/);
  const told = async () =>
    (await at.muster.orchestrator.events.read(0, { types: [...budgetEvents] }, someone)).map(
      ({ type, data }) => [type, data.capability],
    );
  expect(await told()).toEqual([["retry_budget.exhausted", "work"]]);

  await setPolicy("*", { maxAttempts: 2, ...quick }, { perMinute: 5, share: 1 });
  const budgets = createRetryBudgets({ ...at.muster.ports, announce: () => {} });
  for (let n = 0; n < 100; n++) budgets.completed("default", "work||");
  await budgets.credit();
  const ended = await Promise.all(ids.map((id) => other.orchestrator.tasks.wait(id, 20_000, root)));
  expect(ended.every((task) => task.status === "failed" && task.attempts === 2)).toBe(true);
  expect(begun).toBe(120);
  await expect
    .poll(async () => (await told()).at(-1), { timeout: 10_000 })
    .toEqual(["retry_budget.recovered", "work"]);
  await other.orchestrator.stop();
});
