import { MusterError } from "@muster/sdk/protocol";
import pg from "pg";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createPostgresDatabase } from "../../adapters/database/postgres/create-postgres-database.ts";
import { loadMigrations } from "../../migrations/load-migrations.ts";
import { migrate } from "../../migrations/migrate.ts";
import type { Database } from "../../ports/database.ts";
import { orchestrate, root, someone, type TestOrchestrator } from "../orchestrate.ts";
import { type Scratch, scratchDatabase } from "../services.ts";
import { type Line, startLine } from "../start-line.ts";

/** The server is away for this long: longer than most calls are patient for in a test, shorter than a lease. */
const awayMs = 2_500;
/** So many tasks at least are handed in, and more for as long as the breaks last. */
const tasksAtLeast = 400;

let scratch: Scratch;
let line: Line;
let database: Database;
let muster: TestOrchestrator;
/** Calls of the database that failed: what the breaks hit. */
let failures: number;

function countFailures(inner: Database): Database {
  const count = <T>(call: Promise<T>): Promise<T> => {
    call.catch(() => {
      failures += 1;
    });
    return call;
  };
  return {
    ...inner,
    query: (statement, parameters) => count(inner.query(statement, parameters)),
    transaction: (work) => count(inner.transaction(work)),
  };
}

beforeEach(async () => {
  scratch = await scratchDatabase();
  line = await startLine(scratch.url);
  database = await createPostgresDatabase({ url: line.url });
  await migrate(database, await loadMigrations());
  failures = 0;
  muster = await orchestrate(countFailures(database), { leaseMs: 5_000 });
  await muster.agent({
    name: "worker",
    maxConcurrency: 20,
    capabilities: [
      {
        name: "work",
        handler: async (ctx) => {
          await ctx.step("think", () => new Promise<null>((resolve) => setTimeout(resolve, 20, null)));
          return ctx.input;
        },
      },
    ],
  });
});
afterEach(async () => {
  await muster.stop();
  await database.close();
  await line.close();
  await scratch.drop();
});

/** Hands in a task as a careful client does: again under its key until it is acknowledged. */
async function submit(n: number): Promise<string> {
  for (;;) {
    try {
      const task = { capability: "work", input: n, idempotencyKey: `${n}` };
      return (await muster.orchestrator.tasks.submit([task], someone))[0]?.id as string;
    } catch (error) {
      if (!(error instanceof MusterError && error.retryable)) throw error;
    }
  }
}

/** Ends every connection of the database, as a shutdown of the server does. */
async function shutDown(): Promise<void> {
  const beside = new pg.Client({ connectionString: scratch.url });
  await beside.connect();
  await beside.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
  );
  await beside.end();
}

/** What happens, how often, and how many calls it must have hit to show anything. */
const breaks: [string, number, number, () => Promise<void>][] = [
  ["that is shut down again and again", 40, 0, shutDown],
  ["whose connections break again and again", 60, 5, async () => line.cut()],
  [
    "that is away for a while",
    4,
    1,
    async () => {
      await line.refuse();
      await new Promise((resolve) => setTimeout(resolve, awayMs));
      await line.resume();
    },
  ],
];

it.each(breaks)("PostgreSQL %s costs no task, event or second result", async (_, times, hits, breakDown) => {
  const events: { seq: number; type: string; taskId: string | null }[] = [];
  const subscription = muster.orchestrator.events.subscribe(0, {}, root, (event) => void events.push(event));
  const ids: string[] = [];
  let breaking = true;
  const submitting = (async () => {
    for (let n = 0; breaking || n < tasksAtLeast; n += 10)
      ids.push(...(await Promise.all(Array.from({ length: 10 }, (_unused, k) => submit(n + k)))));
  })();
  try {
    for (let round = 0; round < times; round++) {
      const before = events.length;
      await vi.waitUntil(() => events.length > before + (round % 5), { interval: 1, timeout: 30_000 });
      await breakDown();
    }
  } finally {
    breaking = false;
  }
  await submitting;
  expect(failures).toBeGreaterThanOrEqual(hits);
  const ended = async (id: string): Promise<string> => {
    for (;;) {
      const task = await muster.orchestrator.tasks.wait(id, 10_000, someone).catch((error) => {
        if (!(error instanceof MusterError && error.retryable)) throw error;
      });
      if (task?.finishedAt != null) return task.status;
    }
  };
  const statuses = await Promise.all(ids.map(ended));
  expect(statuses).toEqual(statuses.map(() => "completed"));
  expect(new Set(ids).size).toBe(ids.length);
  const completions = () =>
    events.filter(({ type }) => type === "task.completed").map(({ taskId }) => taskId);
  await expect.poll(() => completions().length, { timeout: 30_000 }).toBe(ids.length);
  expect(new Set(completions()).size).toBe(ids.length);
  expect(events.map(({ seq }) => seq)).toEqual([...events].map(({ seq }) => seq).sort((a, b) => a - b));
  await subscription.end();
});
