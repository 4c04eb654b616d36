import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createPgliteDatabase } from "../adapters/database/pglite/create-pglite-database.ts";
import { createPostgresDatabase } from "../adapters/database/postgres/create-postgres-database.ts";
import { holdDatabase } from "../adapters/database/postgres/hold-database.ts";
import { loadMigrations } from "../migrations/load-migrations.ts";
import { migrate } from "../migrations/migrate.ts";
import type { Database, Statement } from "../ports/database.ts";
import { type BusyStore, fillBusily, finishBusyStore } from "../test/busy-store.ts";
import { silentLog } from "../test/orchestrate.ts";
import { scratchDatabase } from "../test/services.ts";
import { startLine } from "../test/start-line.ts";
import { migrateStore } from "./migrate-store.ts";

const bulk = 3_000;
const count: Statement<{ n: number }> = { name: "count", text: "select count(*) as n from event" };
const states: Statement<{ status: string }> = {
  name: "states",
  text: "select distinct status from task order by 1",
};

let folder: string;
let dataDir: string;
let store: BusyStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "muster-migrate-"));
  dataDir = join(folder, "store");
  const database = await createPgliteDatabase({ dataDir });
  await migrate(database, await loadMigrations());
  store = await fillBusily(database);
  expect((await database.query(states)).map(({ status }) => status)).toEqual([
    "blocked",
    "cancelled",
    "completed",
    "failed",
    "in_progress",
    "ready",
    "waiting",
  ]);
  // Enough rows for several batches, with payloads that need batches of their own.
  await database.execute(`
    insert into event (at, type, tenant, data) select n, 'bulk', 't', json_build_object('n', n) from generate_series(1, ${bulk}) n;
    insert into event (at, type, tenant, data) select 0, 'bulk', 't', to_json(repeat('ä', 1000000)) from generate_series(1, 5)`);
  await database.close();
});
afterAll(() => rm(folder, { recursive: true }));

async function onScratch(work: (url: string) => Promise<void>): Promise<void> {
  const scratch = await scratchDatabase();
  await work(scratch.url).finally(() => scratch.drop());
}

async function withDatabase<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await createPostgresDatabase({ url });
  return work(database).finally(() => database.close());
}

it("a store moves into a PostgreSQL server, and its work goes on there", () =>
  onScratch(async (url) => {
    const report = await migrateStore({ from: dataDir, to: url });
    expect(report.tables.find(({ name }) => name === "event")?.rows).toBeGreaterThan(bulk);
    for (const name of [
      "task",
      "dependency",
      "journal",
      "attempt",
      "idempotency_key",
      "run",
      "run_step",
      "agent",
      "api_key",
    ])
      expect(report.tables.find((table) => table.name === name)?.rows, name).toBeGreaterThan(0);
    await withDatabase(url, (database) => finishBusyStore(database, store));
  }));

it("a store comes back from a server as it went", () =>
  onScratch(async (url) => {
    const there = await migrateStore({ from: dataDir, to: url });
    const back = await migrateStore({ from: url, to: join(folder, "back") });
    expect(back.tables).toEqual(there.tables);
  }));

it("a server that is in use, or whose database holds something, is refused", () =>
  onScratch(async (url) => {
    const hold = await holdDatabase({ url, shared: true, log: silentLog, onLost() {} });
    await expect(migrateStore({ from: dataDir, to: url })).rejects.toMatchObject({ code: "storage_locked" });
    await hold.release();
    await withDatabase(url, async (database) => {
      await migrate(database, await loadMigrations());
      await database.execute("insert into tenant (id) values ('eve')");
    });
    const dryRun = migrateStore({ from: dataDir, to: url, dryRun: true });
    await expect(dryRun).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("tenant 1"),
    });
    await expect(migrateStore({ from: dataDir, to: url })).rejects.toMatchObject({ code: "conflict" });
    const { replaced } = await migrateStore({ from: dataDir, to: url, force: true });
    expect(replaced).toEqual([{ name: "tenant", rows: 1 }]);
  }));

it("a move that is interrupted leaves nothing, and succeeds the next time", () =>
  onScratch(async (url) => {
    const line = await startLine(url);
    const interrupted = migrateStore({
      from: dataDir,
      to: line.url,
      onProgress(sentence) {
        if (sentence.startsWith("copied event")) void line.refuse();
      },
    });
    await expect(interrupted).rejects.toMatchObject({ code: "unavailable" });
    await withDatabase(url, async (database) => expect(await database.query(count)).toEqual([{ n: 0 }]));
    await migrateStore({ from: dataDir, to: url });
  }));

it("a copy that is not the same is not kept", () =>
  onScratch(async (url) => {
    await withDatabase(url, async (database) => {
      await migrate(database, await loadMigrations());
      await database.execute(`
        create function lose() returns trigger language plpgsql as $$ begin
          if new.at = 7 then new.data = '{"n":8}'; end if; return new; end $$;
        create trigger lose before insert on event for each row execute function lose()`);
    });
    const refusal = { code: "checksum_mismatch", message: expect.stringContaining("Table event differs") };
    await expect(migrateStore({ from: dataDir, to: url })).rejects.toMatchObject(refusal);
    await withDatabase(url, async (database) => expect(await database.query(count)).toEqual([{ n: 0 }]));
  }));
