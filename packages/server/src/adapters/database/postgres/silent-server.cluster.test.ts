import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Database, Statement } from "../../../ports/database.ts";
import { type Scratch, scratchDatabase } from "../../../test/services.ts";
import { type Line, startLine } from "../../../test/start-line.ts";
import { createPostgresDatabase } from "./create-postgres-database.ts";

const statement = <Row>(name: string, text: string): Statement<Row> => ({ name, text });
const sleep = statement("sleep", "select pg_sleep($1::float8)");
const note = statement("note", "insert into note (n) values ($1::int)");
const notes = statement<{ n: number }>("notes", "select n from note order by n");
const lock = statement("lock_note", "select n from note where n = $1::int for update");

/** Nobody waits for longer than this; it says that a call hangs, and nothing of how soon it should end. */
const hangsMs = 20_000;
const unanswered = { code: "unavailable", message: "The database does not answer." };

let scratch: Scratch;
let line: Line;
let database: Database;
let beside: Database;
const sentences: string[] = [];

beforeAll(async () => {
  scratch = await scratchDatabase();
  line = await startLine(scratch.url);
  const told = (_: object, sentence: string) => void sentences.push(sentence);
  const log = { debug() {}, info: told, warn: told, error: told };
  database = await createPostgresDatabase({ url: line.url, connections: 3, log });
  beside = await createPostgresDatabase({ url: scratch.url, connections: 1 });
  await beside.execute("create table note (n int)");
});
beforeEach(async () => {
  sentences.length = 0;
  await beside.execute("truncate note");
});
afterAll(async () => {
  await database.close();
  await beside.close();
  await line.close();
  await scratch.drop();
});

const noted = async () => (await beside.query(notes)).map(({ n }) => n);

/** How a call ended, and how long it took; fails where it hangs. */
async function timed(call: Promise<unknown>) {
  const began = performance.now();
  const hangs = new AbortController();
  const ended = call.then(
    () => "done",
    (error: unknown) => error,
  );
  const late = pause(hangsMs, "hangs", { signal: hangs.signal }).catch(() => "");
  const result = await Promise.race([ended, late]);
  hangs.abort();
  return { result, ms: Math.round(performance.now() - began) };
}

it("a server that says nothing any more fails those who wait and those who come, and nobody once it is back", async () => {
  await Promise.all([1, 2, 3].map((n) => database.query(sleep, [n / 10])));
  line.block();
  let runs = 0;
  const first = [
    database.query(note, [1]),
    database.query(sleep, [0]),
    database.transaction((tx) => {
      runs += 1;
      return tx.query(note, [2]);
    }),
    // All connections are taken: these wait for one.
    ...[3, 4, 5].map((n) => database.query(note, [n])),
  ];
  const waited = await Promise.all(first.map(timed));
  const later = await Promise.all([6, 7].map((n) => timed(database.query(note, [n]))));
  console.log(
    `waited ${waited.map(({ ms }) => ms).join(", ")} ms; who came later ${later.map(({ ms }) => ms).join(", ")} ms`,
  );
  for (const { result } of [...waited, ...later]) expect(result).toMatchObject(unanswered);
  expect(waited[0]?.result).toMatchObject({ hint: expect.stringContaining("may or may not") });
  expect(runs).toBeLessThanOrEqual(1);
  await line.resume();
  await expect.poll(() => database.query(notes).catch(() => "away"), { timeout: hangsMs }).toEqual([]);
  await database.query(note, [8]);
  expect(await noted()).toEqual([8]);
  expect(sentences).toEqual([
    "PostgreSQL does not answer; its connections are given up, and calls fail until it does.",
    "PostgreSQL answers again.",
  ]);
});

it("what takes long is left alone: a statement, a wait for a lock, work between two statements", async () => {
  await database.query(note, [1]);
  let letGo = () => {};
  const mayLetGo = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const holding = beside.transaction(async (tx) => {
    await tx.query(lock, [1]);
    // Signs of life, so that the server does not end it for being idle.
    for (let n = 0; n < 3; n++) {
      await Promise.race([mayLetGo, pause(2_000)]);
      await tx.query(notes);
    }
  });
  const locked = database.query(lock, [1]);
  const slow = database.query(sleep, [6]);
  const thinking = database.transaction(async (tx) => {
    await tx.query(note, [2]);
    await pause(4_000);
    await tx.query(note, [3]);
  });
  await Promise.all([slow, thinking]);
  letGo();
  await Promise.all([holding, locked]);
  expect(await noted()).toEqual([1, 2, 3]);
  expect(sentences).toEqual([]);
});

it("connections that something on the way forgot cost those who used them one call", async () => {
  await Promise.all([1, 2, 3].map(() => database.query(sleep, [0.1])));
  line.forget();
  const { result, ms } = await timed(database.query(note, [1]));
  console.log(`waited ${ms} ms`);
  expect(result).toMatchObject(unanswered);
  await Promise.all([2, 3, 4].map((n) => database.query(note, [n])));
  expect(await noted()).toEqual([2, 3, 4]);
  expect(sentences).toEqual([
    "A connection to PostgreSQL led nowhere; it and those that were idle are made anew.",
  ]);
});
