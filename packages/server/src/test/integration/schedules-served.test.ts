import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createSystemClock } from "../../adapters/clock/system-clock.ts";
import { createInMemoryRateLimits } from "../../adapters/rate-limits/in-memory/create-in-memory-rate-limits.ts";
import { createApi } from "../../api/create-api.ts";
import type { Database, Statement } from "../../ports/database.ts";
import { caller } from "../call-api.ts";
import { emptyDatabase, freshDatabase, orchestrate, someone } from "../orchestrate.ts";

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(() => emptyDatabase(database));

const count = async (table: string): Promise<number> => {
  const statement: Statement<{ n: number }> = {
    name: `count_${table}`,
    text: `select count(*)::int as n from ${table}`,
  };
  return (await database.query(statement))[0]?.n ?? -1;
};
const workflow = { name: "flow", steps: { one: { capability: "ping" } } };

it("upkeep looks when a time comes, also on a node that was started after it", async () => {
  const one = await orchestrate(database);
  const { schedules } = one.orchestrator;
  const at = new Date(Date.now() + 3_600_000).toISOString();
  await schedules.create({ name: "soon", at, task: { capability: "ping" } }, someone);
  await schedules.create({ name: "later", at, run: { workflow } }, someone);
  const hasCome = (name: string) =>
    database.execute(`update schedule set next_at = ${Date.now()} where name = '${name}'`);
  await hasCome("soon");
  await expect.poll(() => count("task"), { timeout: 15_000 }).toBe(1);
  await one.stop();
  await hasCome("later");
  const other = await orchestrate(database);
  await other.agent({ name: "pinger", capabilities: [{ name: "ping", handler: async () => "pong" }] });
  await expect.poll(() => count("run where status = 'completed'"), { timeout: 15_000 }).toBe(1);
  expect(await count("schedule where status = 'ended'")).toBe(2);
  await other.stop();
});

it("over HTTP a schedule is made, looked at and changed, and answers are as the document says", async () => {
  const muster = await orchestrate(database);
  const rateLimits = createInMemoryRateLimits({ clock: createSystemClock() });
  const served = { orchestrator: muster.orchestrator, rateLimits, log: false, version: "1" } as const;
  const api = await createApi({ ...served, localKey: "local-key-of-this-test" });
  const call = caller(api);
  const as = { authorization: "Bearer local-key-of-this-test" };
  const body = { name: "nightly", cron: "30 2 * * *", task: { capability: "ping" } };
  const rehearsed = await call({ method: "POST", url: "/v1/schedules?dryRun=true", as, body });
  expect(rehearsed).toMatchObject({ status: 201, json: { upcoming: { length: 5 } } });
  expect((await call({ url: "/v1/schedules/nightly", as })).status).toBe(404);
  expect((await call({ method: "POST", url: "/v1/schedules", as, body })).status).toBe(201);
  expect((await call({ method: "POST", url: "/v1/schedules", as, body })).status).toBe(409);
  const bad = { ...body, name: "other", cron: "0 25 * * *" };
  const refused = await call({ method: "POST", url: "/v1/schedules", as, body: bad });
  expect(refused).toMatchObject({ status: 400, json: { errors: [{ path: "/cron" }] } });
  expect((await call({ url: "/v1/schedules", as })).json).toMatchObject({ items: [{ name: "nightly" }] });
  for (const [change, status] of [
    ["pause", "paused"],
    ["resume", "active"],
  ])
    expect((await call({ method: "POST", url: `/v1/schedules/nightly/${change}`, as })).json).toMatchObject({
      status,
    });
  const run = await call({ method: "POST", url: "/v1/schedules/nightly/run", as });
  expect(run).toMatchObject({ status: 200, json: { starts: "task" } });
  expect((await call({ url: "/v1/schedules/nightly", as })).json).toMatchObject({ lastId: run.json.id });
  expect((await call({ method: "DELETE", url: "/v1/schedules/nightly", as })).status).toBe(200);
  await api.close();
  await muster.stop();
});
