import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createPostgresDatabase } from "../adapters/database/postgres/create-postgres-database.ts";
import type { Database, Statement } from "../ports/database.ts";
import { type Scratch, scratchDatabase } from "../test/services.ts";
import { startLine } from "../test/start-line.ts";
import { loadMigrations } from "./load-migrations.ts";
import { type Migration, migrate } from "./migrate.ts";

const first: Migration = { number: 1, name: "first", sql: "create table a (n int)" };
const slow: Migration = {
  number: 2,
  name: "slow",
  sql: "insert into a values (1); select pg_sleep(1); create table b (n int)",
};
const last: Migration = { number: 3, name: "last", sql: "insert into a values (2)" };
const all = [first, slow, last];

const runs: Statement<{ n: number }> = { name: "runs", text: "select n from a order by n" };
const asleep: Statement<{ pid: number }> = {
  name: "asleep",
  text: "select pid from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()",
};
const end: Statement = { name: "end", text: "select pg_terminate_backend($1::int)" };

let scratch: Scratch;
let beside: Database;
beforeAll(async () => {
  scratch = await scratchDatabase();
  beside = await createPostgresDatabase({ url: scratch.url, connections: 1 });
});
beforeEach(() => beside.execute("drop schema public cascade; create schema public"));
afterAll(async () => {
  await beside.close();
  await scratch.drop();
});

/** Several nodes that start at once, each with connections of its own. */
async function startNodes(count: number, migrations = all, sentences: string[] = []) {
  const nodes = await Promise.all(
    Array.from({ length: count }, () => createPostgresDatabase({ url: scratch.url, connections: 1 })),
  );
  const onProgress = (sentence: string) => void sentences.push(sentence);
  const results = await Promise.allSettled(nodes.map((node) => migrate(node, migrations, { onProgress })));
  await Promise.all(nodes.map((node) => node.close()));
  return results;
}

const namesOf = (results: PromiseSettledResult<string[]>[]) =>
  results.flatMap((result) => (result.status === "fulfilled" ? result.value : ["failed"])).sort();

it("eight nodes that start at once migrate once, and those that wait say so", async () => {
  const sentences: string[] = [];
  expect(namesOf(await startNodes(8, all, sentences))).toEqual(["first", "last", "slow"]);
  expect(await beside.query(runs)).toEqual([{ n: 1 }, { n: 2 }]);
  expect(sentences).toContainEqual(expect.stringMatching(/^another node is migrating.*waiting/));
});

it("eight nodes that start at once build this program's tables", async () => {
  const own = await loadMigrations();
  expect(namesOf(await startNodes(8, own))).toEqual(own.map(({ name }) => name).sort());
});

it("a migration whose node is killed is run by another", async () => {
  const started = startNodes(8);
  await expect.poll(() => beside.query(asleep)).toHaveLength(1);
  for (const { pid } of await beside.query(asleep)) await beside.query(end, [pid]);
  const results = await started;
  expect(results.filter(({ status }) => status === "rejected")).toHaveLength(1);
  expect(namesOf(results).filter((name) => name === "slow")).toHaveLength(1);
  expect(await beside.query(runs)).toEqual([{ n: 1 }, { n: 2 }]);
});

it("a migration whose node falls silent is whole or undone, and the others go on", async () => {
  const line = await startLine(scratch.url);
  const doomed = await createPostgresDatabase({ url: line.url, connections: 1, waitMs: 0 });
  const death = expect(migrate(doomed, all)).rejects.toMatchObject({ code: "unavailable" });
  await expect.poll(() => beside.query(asleep)).toHaveLength(1);
  await line.refuse();
  await death;
  const results = await startNodes(4);
  expect(results.every(({ status }) => status === "fulfilled")).toBe(true);
  expect(await beside.query(runs)).toEqual([{ n: 1 }, { n: 2 }]);
  await doomed.close();
});

it("nobody waits for ever for a node that migrates", async () => {
  await migrate(beside, [first]);
  const other = await createPostgresDatabase({ url: scratch.url, connections: 1 });
  const endless = migrate(other, all);
  await expect.poll(() => beside.query(asleep)).toHaveLength(1);
  const refusal = {
    code: "unavailable",
    message: expect.stringContaining("Another node has been migrating"),
  };
  await expect(migrate(beside, all, { waitMs: 50 })).rejects.toMatchObject(refusal);
  expect(await endless).toEqual(["slow", "last"]);
  await other.close();
});
