import { MusterError } from "@muster/sdk/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createEventFeed } from "../../core/events/event-feed.ts";
import type { Database, Queryable } from "../../ports/database.ts";
import { emptyDatabase, freshDatabase, root, silentLog } from "../orchestrate.ts";
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
