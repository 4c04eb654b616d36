import type { Event } from "@muster/sdk";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createSystemClock } from "../../adapters/clock/system-clock.ts";
import { createPostgresDatabase } from "../../adapters/database/postgres/create-postgres-database.ts";
import { loadMigrations } from "../../migrations/load-migrations.ts";
import { migrate } from "../../migrations/migrate.ts";
import type { Database } from "../../ports/database.ts";
import { root, silentLog } from "../../test/orchestrate.ts";
import { type Scratch, scratchDatabase } from "../../test/services.ts";
import { createEventFeed } from "./event-feed.ts";

let scratch: Scratch;
let database: Database;
const writers: pg.Client[] = [];

async function writer(url = scratch.url): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  writers.push(client);
  return client;
}

const write = (client: pg.Client, type: string) =>
  client.query("insert into event (at, type, tenant, data) values (1, $1, 'default', '{}')", [type]);

const feed = () => createEventFeed(database, createSystemClock(), silentLog);

beforeAll(async () => {
  scratch = await scratchDatabase();
  database = await createPostgresDatabase({ url: scratch.url });
  await migrate(database, await loadMigrations());
});
afterAll(async () => {
  for (const client of writers) await client.end();
  await database.close();
  await scratch.drop();
});

it("an event that commits late is read in its place, by those who ask and by those who follow", async () => {
  const [early, late] = [await writer(), await writer()];
  const { service, wake } = feed();
  const followed: Event[] = [];
  const start = await service.latest();
  const subscription = service.subscribe(start, {}, root, (event) => void followed.push(event));
  await late.query("begin");
  await write(late, "first");
  await write(early, "second");
  wake();
  expect(await service.read(start, {}, root)).toEqual([]);
  expect(followed).toEqual([]);
  await late.query("commit");
  expect((await service.read(start, {}, root)).map(({ type }) => type)).toEqual(["first", "second"]);
  await expect.poll(() => followed.map(({ type }) => type)).toEqual(["first", "second"]);
  await subscription.end();
});

it("a number that was taken by a transaction that failed holds nobody up", async () => {
  const [failing, other] = [await writer(), await writer()];
  const { service } = feed();
  const start = await service.latest();
  await failing.query("begin");
  await write(failing, "never");
  await write(other, "seen");
  await failing.query("rollback");
  expect((await service.read(start, {}, root)).map(({ type }) => type)).toEqual(["seen"]);
});

it("a long transaction in another database of the server holds nobody up", async () => {
  const elsewhere = await scratchDatabase();
  const stranger = await writer(elsewhere.url);
  await stranger.query("begin");
  await stranger.query("create table slow (n int)");
  const { service } = feed();
  const start = await service.latest();
  await write(await writer(), "seen");
  expect((await service.read(start, {}, root)).map(({ type }) => type)).toEqual(["seen"]);
  await stranger.query("rollback");
  await stranger.end();
  writers.splice(writers.indexOf(stranger), 1);
  await elsewhere.drop();
});

it("a transaction that is newer than the last one that ended is waited for", async () => {
  const [older, newer] = [await writer(), await writer()];
  const { service } = feed();
  const start = await service.latest();
  await older.query("begin");
  await older.query("select pg_current_xact_id()");
  await newer.query("begin");
  await write(newer, "first");
  await write(older, "second");
  await older.query("commit");
  const read = service.read(start, {}, root);
  await newer.query("commit");
  expect((await read).map(({ type }) => type)).toEqual(["first", "second"]);
});

it("many writers at once: every follower sees every event once, in order", async () => {
  const clients = await Promise.all(Array.from({ length: 4 }, () => writer()));
  const { service, wake } = feed();
  const seen: number[] = [];
  const start = await service.latest();
  const subscription = service.subscribe(start, {}, root, ({ seq }) => void seen.push(seq));
  await Promise.all(
    clients.map(async (client, index) => {
      for (let n = 0; n < 100; n++) {
        await client.query("begin");
        await write(client, `${index}`);
        if (n % 3 === index % 3) await client.query("select pg_sleep(0.002)");
        await client.query(n % 10 === 9 ? "rollback" : "commit");
        wake();
      }
    }),
  );
  await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(360);
  expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
  await subscription.end();
});
