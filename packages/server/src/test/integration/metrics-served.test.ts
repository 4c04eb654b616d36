import { createClient } from "@muster/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTextMetrics } from "../../adapters/metrics/text/create-text-metrics.ts";
import { createInMemoryRateLimits } from "../../adapters/rate-limits/in-memory/create-in-memory-rate-limits.ts";
import { type Api, createApi } from "../../api/create-api.ts";
import type { Principal } from "../../core/orchestrator.ts";
import { createMeasureQueue } from "../../core/queue/measure-queue.ts";
import type { Database } from "../../ports/database.ts";
import { freshDatabase, orchestrate, root, silentLog, type TestOrchestrator } from "../orchestrate.ts";

const patience = { timeout: 20_000 };
const hostile = 'a"b\\c\nmuster_forged_total 1\n🙂';
let database: Database;
let muster: TestOrchestrator;
let api: Api;
let url: string;
let storeIsAway = false;
const metrics = createTextMetrics();
beforeAll(async () => {
  database = await freshDatabase();
  muster = await orchestrate(database, { breaker: { failures: 2, coolDownMs: 600_000 } }, { metrics });
  const { clock } = muster.ports;
  const query = ((...asked: Parameters<Database["query"]>) =>
    storeIsAway ? Promise.reject(new Error("away")) : database.query(...asked)) as Database["query"];
  // A clock that goes on by itself, so that each request asks the store.
  let looks = 0;
  const measure = createMeasureQueue({
    database: { ...database, query },
    clock: { ...clock, now: () => ++looks * 10_000 },
    log: silentLog,
    metrics,
  });
  api = await createApi({
    orchestrator: muster.orchestrator,
    rateLimits: createInMemoryRateLimits({ clock }),
    metrics: () => measure().then(metrics.text),
    log: false,
    version: "1",
  });
  url = await api.listen({ host: "127.0.0.1", port: 0 });
});
afterAll(async () => {
  await api.close();
  await muster.stop();
  await database.close();
});

const keyOf = async (role: Principal["role"], tenant: string) =>
  (await muster.orchestrator.keys.create({ name: role, role, tenant }, root)).key;
const get = (key?: string) =>
  fetch(`${url}/metrics`, key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } });

/** As a collector reads it: every line is a comment or a series, each series once, under its family. */
function read(text: string): Map<string, number> {
  const series = new Map<string, number>();
  let family = "";
  expect(text.endsWith("\n")).toBe(true);
  for (const line of text.slice(0, -1).split("\n")) {
    const about = /^# (?:HELP|TYPE) ([a-z_]+) (?:counter|gauge|[A-Z0-9`].*)$/.exec(line);
    if (about !== null) {
      family = about[1] as string;
      continue;
    }
    const found =
      /^([a-z_]+)((?:\{[a-z_]+="(?:[^"\\]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\]|\\["\\n])*")*\})?) (\d+)$/.exec(
        line,
      );
    expect(found?.[1], line).toBe(family);
    const [, name, labels, value] = found as unknown as [string, string, string, string];
    expect(series.has(name + labels), line).toBe(false);
    series.set(name + labels, Number(value));
  }
  return series;
}
const numbers = async (): Promise<Map<string, number>> =>
  read(await (await get(await keyOf("admin", "*"))).text());
const soon = (name: string) => expect.poll(async () => (await numbers()).get(name) ?? 0, patience);

describe("/metrics", () => {
  it("is for admins of all tenants and nobody else", async () => {
    expect((await get()).status).toBe(401);
    expect((await get("mk_nobody")).status).toBe(401);
    for (const role of ["client", "agent"] as const)
      expect((await get(await keyOf(role, "*"))).status).toBe(403);
    const refused = await get(await keyOf("admin", "default"));
    expect(refused.status).toBe(403);
    expect(await refused.text()).not.toContain("muster_");
    const told = await get(await keyOf("admin", "*"));
    expect(told.status).toBe(200);
    expect(told.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(told.headers.get("cache-control")).toBe("no-store");
  });

  it("moves with what really happens", async () => {
    const client = createClient({ url, apiKey: await keyOf("client", "default") });
    const before = await numbers();
    const moved = async (name: string) => ((await numbers()).get(name) ?? 0) - (before.get(name) ?? 0);
    let letGo = (): void => {};
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    await muster.agent({
      name: "hand",
      maxConcurrency: 4,
      capabilities: [
        { name: "good", handler: () => "done" },
        { name: "slow", handler: () => gate.then(() => "done") },
        {
          name: "weak",
          handler: () => {
            throw new Error("out of order");
          },
        },
      ],
    });
    await Promise.all(
      Array.from({ length: 3 }, async () =>
        client.tasks.wait((await client.tasks.submit({ capability: "good" })).id),
      ),
    );
    await expect.poll(() => moved('muster_tasks_ended_total{status="completed"}'), patience).toBe(3);
    expect(await moved('muster_attempts_total{capability="good",outcome="completed"}')).toBe(3);

    // One is worked on, one waits for somebody who can do it, and one that is cancelled ends as that.
    const slow = await client.tasks.submit({ capability: "slow" });
    const nobody = await client.tasks.submit({ capability: "nobody_can" });
    await soon('muster_queue{state="in_progress"}').toBe(1);
    await soon('muster_queue{state="ready"}').toBe(1);
    await client.tasks.cancel(nobody.id);
    await soon('muster_tasks_ended_total{status="cancelled"}').toBe(1);
    await soon('muster_queue{state="ready"}').toBe(0);
    letGo();
    await client.tasks.wait(slow.id);

    // Two failures in a row: the second attempt is a retry, and the breaker opens.
    const retry = { maxAttempts: 2, delayMs: 1, jitter: 0 } as const;
    const { id } = await client.tasks.submit({ capability: "weak", retry });
    await soon('muster_attempts_total{capability="weak",outcome="failed"}').toBe(2);
    await soon('muster_retries_total{capability="weak"}').toBeGreaterThanOrEqual(1);
    await soon('muster_breakers{state="open"}').toBe(1);
    expect((await numbers()).get('muster_breaker_changes_total{state="open"}')).toBe(1);
    await client.tasks.cancel(id).catch(() => {});
  });

  it("shows retries that wait for their budget", async () => {
    const { retryPolicies } = muster.orchestrator;
    const budget = { share: 0, perMinute: 1 };
    await retryPolicies.set("dry", { budget } as never, { ...root, tenant: "default" });
    // Each fails once, so no breaker opens, and what is tried again has to pass the budget.
    let begun = 0;
    let bothBegan = (): void => {};
    const both = new Promise<void>((resolve) => {
      bothBegan = resolve;
    });
    const handler = async () => {
      if (++begun === 2) bothBegan();
      await both;
      throw new Error("no");
    };
    for (const name of ["dryad-1", "dryad-2"])
      await muster.agent({ name, capabilities: [{ name: "dry", handler }] });
    const client = createClient({ url, apiKey: await keyOf("client", "default") });
    const dry = { capability: "dry", retry: { maxAttempts: 2, delayMs: 1, jitter: 0 } } as const;
    await Promise.all([client.tasks.submit(dry), client.tasks.submit(dry)]);
    await soon('muster_queue{state="held"}').toBe(1);
    expect((await numbers()).get('muster_retries_total{capability="dry"}')).toBe(1);
  });

  it("is well-formed and bounded whatever agents call what they can", async () => {
    // Nobody gets such a name past the door; should one ever become a label, it is text and no line of its own.
    const headers = {
      "content-type": "application/json",
      authorization: `Bearer ${await keyOf("client", "default")}`,
    };
    const body = JSON.stringify({ tasks: [{ capability: hostile }] });
    expect((await fetch(`${url}/v1/tasks`, { method: "POST", headers, body })).status).toBe(400);
    const agent = { name: hostile, capabilities: [{ name: "fine" }] };
    await expect(muster.orchestrator.gateway.register(agent, root, () => {})).rejects.toMatchObject({
      code: "invalid_request",
    });
    expect(await (await get(await keyOf("admin", "*"))).text()).not.toContain("forged");
    metrics.count("muster_attempts", { capability: hostile, outcome: "completed" });
    const escaped = 'a\\"b\\\\c\\nmuster_forged_total 1\\n🙂';
    await soon(`muster_attempts_total{capability="${escaped}",outcome="completed"}`).toBe(1);
    expect((await numbers()).has("muster_forged_total")).toBe(false);
    const names = Array.from({ length: 600 }, (_, n) => `many/${n}`);
    for (let start = 0; start < names.length; start += 100)
      await muster.agent({
        name: `many-${start}`,
        maxConcurrency: 50,
        capabilities: names.slice(start, start + 100).map((name) => ({ name, handler: () => "done" })),
      });
    await muster.finish(...names.map((capability) => ({ capability })));
    await soon('muster_attempts_total{capability="other",outcome="other"}').toBeGreaterThan(90);
    const attempts = [...(await numbers()).keys()].filter((key) => key.startsWith("muster_attempts_total"));
    expect(attempts.length).toBeLessThanOrEqual(501);
  });

  it("says so where the store can't be asked", async () => {
    expect((await numbers()).get("muster_queue_measured")).toBe(1);
    storeIsAway = true;
    expect((await numbers()).get("muster_queue_measured")).toBe(0);
    storeIsAway = false;
    expect((await numbers()).get("muster_queue_measured")).toBe(1);
  });
});
