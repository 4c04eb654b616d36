import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createPostgresDatabase } from "../../adapters/database/postgres/create-postgres-database.ts";
import { handOver, holdLocks, leaveLines, takeLocks } from "../../core/queue/statements/locks.ts";
import { loadMigrations } from "../../migrations/load-migrations.ts";
import { migrate } from "../../migrations/migrate.ts";
import type { Database, Queryable } from "../../ports/database.ts";
import { type Scratch, scratchDatabase } from "../services.ts";

// The one statement that hands a lock over, while somebody else works on the line: it sees the line as it was before
// it had to wait for the row of the lock.

const now = 1_000_000;
let scratch: Scratch;
let database: Database;
let name: string;
let holder: string;
beforeAll(async () => {
  scratch = await scratchDatabase();
  database = await createPostgresDatabase({ url: scratch.url });
  await migrate(database, await loadMigrations());
});
afterAll(async () => {
  await database.close();
  await scratch.drop();
});
beforeEach(async () => {
  name = randomUUID();
  holder = await lineUp();
});

const keys = () => JSON.stringify([{ tenant: "default", name }]);
/** Takes the lock, or the last place in its line. */
async function lineUp(on?: Queryable): Promise<string> {
  const token = randomUUID();
  const who = { ord: 0, tenant: "default", name, token, holder: "test", task_id: null, attempt: null };
  const within = async (tx: Queryable) => {
    await tx.query(holdLocks, [keys()]);
    await tx.query(takeLocks, [
      JSON.stringify([{ ...who, ttl_ms: 60_000, until: now * 2 }]),
      keys(),
      now,
      10,
    ]);
  };
  await (on === undefined ? database.transaction(within) : within(on));
  return token;
}
const pass = (token: string) =>
  database.query(handOver, [JSON.stringify([{ tenant: "default", name, token }]), now]);
const waiting = {
  name: "hand_over_waits",
  text: "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
};

/** Hands the lock over while `change` has changed its line and not committed that. */
async function passDuring(change: (tx: Queryable) => Promise<unknown>) {
  let passed: ReturnType<typeof pass> | undefined;
  await database.transaction(async (tx) => {
    await tx.query(holdLocks, [keys()]);
    await change(tx);
    passed = pass(holder);
    await expect.poll(() => database.query(waiting), { timeout: 15_000, interval: 5 }).toHaveLength(1);
  });
  return (await passed) ?? [];
}

it("gives a lock to whoever stood first, though others line up meanwhile", async () => {
  const first = await lineUp();
  const rows = await passDuring((tx) => lineUp(tx));
  expect(rows).toMatchObject([
    { kind: "released", token: holder },
    { kind: "granted", token: first },
  ]);
});

it("leaves nobody behind who lined up where the line looked empty", async () => {
  let late = "";
  const rows = await passDuring(async (tx) => {
    late = await lineUp(tx);
  });
  expect(rows).toMatchObject([{ kind: "again", token: holder }]);
  expect(await pass(holder)).toMatchObject([{ kind: "released" }, { kind: "granted", token: late }]);
});

it("gives nothing to whoever left meanwhile", async () => {
  const first = await lineUp();
  const second = await lineUp();
  const rows = await passDuring((tx) =>
    tx.query(leaveLines, [JSON.stringify([{ tenant: "default", name, token: first }])]),
  );
  expect(rows).toMatchObject([{ kind: "again", token: holder }]);
  expect(await pass(holder)).toMatchObject([{ kind: "released" }, { kind: "granted", token: second }]);
});

it("lets go of a lock that nobody waits for, once", async () => {
  expect(await pass(holder)).toMatchObject([{ kind: "released", token: holder }]);
  expect(await pass(holder)).toEqual([]);
});

it("never lets two have it, whoever passes it on at once", async () => {
  const first = await lineUp();
  const rows = (await Promise.all([pass(holder), pass(holder), pass(holder)])).flat();
  expect(rows.filter((row) => row.kind === "released")).toHaveLength(1);
  expect(rows.filter((row) => row.kind === "granted")).toMatchObject([{ token: first }]);
});
