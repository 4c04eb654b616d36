import { MusterError } from "@muster/sdk/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createEventFeed } from "../../core/events/event-feed.ts";
import type { Database, Queryable } from "../../ports/database.ts";
import { emptyDatabase, freshDatabase, orchestrate, root, silentLog, someone } from "../orchestrate.ts";
import { createSimulatedClock } from "./simulated-clock.ts";

let inner: Database;
beforeAll(async () => {
  inner = await freshDatabase();
  await emptyDatabase(inner);
});
afterAll(() => inner.close());

const tell = (type: string) =>
  inner.execute(`insert into event (at, type, tenant, data) values (0, '${type}', 'default', '{}')`);

it("a subscription to events goes on when the database is back, without a gap", async () => {
  let isAway = false;
  const query: Queryable["query"] = (statement, parameters) =>
    isAway ? Promise.reject(new MusterError("unavailable", "away")) : inner.query(statement, parameters);
  const clock = createSimulatedClock();
  const feed = createEventFeed({ ...inner, query }, clock, silentLog);
  const got: string[] = [];
  const subscription = feed.service.subscribe(0, {}, root, ({ type }) => void got.push(type));
  await tell("run.started");
  await clock.advance(0);
  feed.wake();
  await clock.advance(100);
  expect(got).toEqual(["run.started"]);

  isAway = true;
  await tell("run.failed");
  feed.wake();
  await clock.advance(3_000);
  expect(got).toEqual(["run.started"]);

  isAway = false;
  await clock.advance(3_000);
  expect(got).toEqual(["run.started", "run.failed"]);
  await subscription.end();
});

it("a subscription that begins while the database is away begins when it is back", async () => {
  let isAway = true;
  const query: Queryable["query"] = (statement, parameters) =>
    isAway ? Promise.reject(new MusterError("unavailable", "away")) : inner.query(statement, parameters);
  const clock = createSimulatedClock();
  const feed = createEventFeed({ ...inner, query }, clock, silentLog);
  const got: string[] = [];
  const subscription = feed.service.subscribe(0, {}, root, ({ type }) => void got.push(type));
  await clock.advance(2_500);
  isAway = false;
  await clock.advance(2_500);
  expect(got).toEqual(["run.started", "run.failed"]);
  await subscription.end();
});

it("the slot of a task stays taken when the task is found once more", async () => {
  await emptyDatabase(inner);
  let isThere = false;
  let answer: (() => void) | undefined;
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const query: Queryable["query"] = async (statement, parameters) => {
    const rows = await inner.query(statement, parameters);
    if (statement.name === "enqueue") {
      isThere = true;
      await answered;
    }
    return rows;
  };
  const muster = await orchestrate(inner, {}, { database: { ...inner, query } });
  const { gateway, tasks } = muster.orchestrator;
  const capabilities = [{ name: "job" }];
  const given: unknown[] = [];
  const submitted = tasks.submit([{ capability: "job" }], someone);
  await expect.poll(() => isThere).toBe(true);
  // The answer is on its way; whoever joins makes dispatch look, and the task is handed out.
  const registration = { name: "one", maxConcurrency: 2, capabilities };
  const { agentId } = await gateway.register(registration, root, (message) => given.push(message));
  await expect.poll(() => given.length).toBe(1);
  const looked = muster.ports.registry.reserve;
  let looks = 0;
  muster.ports.registry.reserve = (slots, now) => {
    looks += 1;
    return looked(slots, now);
  };
  answer?.();
  const [task] = await submitted;
  await expect.poll(() => looks).toBe(1);
  // What followed from looking is over when another task got through dispatch.
  await tasks.submit([{ capability: "job" }], someone);
  await expect.poll(() => given.length).toBe(2);
  expect(await muster.ports.registry.reserved()).toContainEqual({ agentId, taskId: task?.id });
  await muster.stop();
});
