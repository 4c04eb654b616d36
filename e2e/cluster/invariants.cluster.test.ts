import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { loadMigrations } from "../../packages/server/src/migrations/load-migrations.ts";
import { type Scratch, scratchDatabase } from "../../packages/server/src/test/services.ts";
import { findViolations } from "./support/invariants.ts";
import type { SeenEvent } from "./support/watcher.ts";

// Fault tests are worth what these rules notice, so each is shown a history that breaks it.

let scratch: Scratch;
let database: pg.Pool;
beforeAll(async () => {
  scratch = await scratchDatabase();
  database = new pg.Pool({ connectionString: scratch.url, max: 1 });
  for (const { sql } of await loadMigrations()) await database.query(sql);
});
afterAll(async () => {
  await database.end();
  await scratch.drop();
});

const [first, second] = ["00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002"];

beforeEach(async () => {
  await database.query("truncate task, event, dependency, agent restart identity cascade");
  await database.query(
    `insert into agent (id, name, tenant, type, description, capabilities, max_concurrency, metadata, outcomes_at, registered_at, last_seen)
     values ('worker', 'worker', '*', 'custom', '', '[]', 1, '{}', 0, 0, 0)`,
  );
});

async function addTask(id: string, status = "completed"): Promise<void> {
  await database.query(
    `insert into task (id, tenant, capability, route, status, priority, join_policy, max_attempts, attempts_granted,
       retry_delay_ms, retry_factor, retry_max_ms, retry_jitter, timeout_ms, created_at, ended_at)
     values ($1, 'one', 'work', 'work', $2, 5, 'all', 4, 4, 1, 1, 1, 0, 1, 0, case $2 when 'completed' then 1 end)`,
    [id, status],
  );
}

/** Events in their order, each as its type and its task. */
async function addEvents(...events: [type: string, taskId: string][]): Promise<void> {
  for (const [type, taskId] of events) {
    await database.query(
      "insert into event (at, type, task_id, agent_id, tenant, data) values (1, $1, $2, 'worker', 'one', '{}')",
      [`task.${type}`, taskId],
    );
  }
}

const goodLife = (id: string): [string, string][] => [
  ["submitted", id],
  ["started", id],
  ["completed", id],
];

const seen = (seq: number, type: string, taskId: string): SeenEvent => ({
  seq,
  type: `task.${type}` as SeenEvent["type"],
  taskId,
});

const judge = (acknowledged: string[], watched: SeenEvent[][] = []) =>
  findViolations(database, { acknowledged, after: 0, watched });

test("a history in which all went well breaks no rule", async () => {
  for (const id of [first, second]) await addTask(id);
  await addEvents(...goodLife(first), ...goodLife(second));
  await database.query("insert into dependency values ($1, $2, 'need')", [second, first]);
  const all = [...goodLife(first), ...goodLife(second)].map(([type, id], index) => seen(index + 1, type, id));
  expect(await judge([first, second], [all])).toEqual([]);
});

test("tasks that are gone or did not end are noticed", async () => {
  await addTask(first, "ready");
  await addEvents(["submitted", first]);
  expect(await judge([first, second])).toEqual([
    `acknowledged tasks that did not complete (2): ${first} ready, ${second} gone`,
  ]);
});

test("a task that was taken in twice is noticed", async () => {
  for (const id of [first, second]) await addTask(id);
  await addEvents(...goodLife(first), ...goodLife(second));
  expect(await judge([first])).toEqual([`tasks that were taken in and never acknowledged (1): ${second}`]);
});

test("a second result is noticed", async () => {
  await addTask(first);
  await addEvents(...goodLife(first), ["completed", first]);
  expect(await judge([first])).toEqual([`tasks that ended more than once (1): ${first} 2 times`]);
});

test("a dependent that started early is noticed", async () => {
  for (const id of [first, second]) await addTask(id);
  await addEvents(...goodLife(second), ...goodLife(first));
  await database.query("insert into dependency values ($1, $2, 'need')", [second, first]);
  expect(await judge([first, second])).toEqual([
    `tasks that started before what they need (1): ${second} before ${first}`,
  ]);
});

test("an agent beyond its concurrency is noticed", async () => {
  for (const id of [first, second]) await addTask(id);
  await addEvents(["submitted", first], ["submitted", second], ["started", first], ["started", second]);
  await addEvents(["completed", first], ["completed", second]);
  expect(await judge([first, second])).toEqual(["agents beyond their concurrency (1): worker held 2 of 1"]);
});

test("gaps, repeats, disorder and inventions in what a watcher saw are noticed", async () => {
  await addTask(first);
  await addEvents(...goodLife(first));
  const [submitted, started, completed] = goodLife(first).map(([type, id], index) =>
    seen(index + 1, type, id),
  ) as [SeenEvent, SeenEvent, SeenEvent];
  const gap = [submitted, completed];
  const disorder = [submitted, completed, started];
  const repeat = [submitted, started, started, completed];
  const invention = [submitted, seen(2, "ready", first), completed];
  expect(await judge([first], [gap, disorder, repeat, invention])).toEqual([
    `watcher 1 missed events (1): 2 task.started ${first}`,
    "watcher 2 saw events again or out of order (1): 2",
    "watcher 3 saw events again or out of order (1): 2",
    `watcher 4 missed events (1): 2 task.started ${first}`,
    `watcher 4 saw events that did not happen (1): 2 task.ready ${first}`,
  ]);
});
