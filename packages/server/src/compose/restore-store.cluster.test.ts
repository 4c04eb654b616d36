import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createFilesystemBlobs } from "../adapters/blob-store/filesystem/create-filesystem-blobs.ts";
import { createPgliteDatabase } from "../adapters/database/pglite/create-pglite-database.ts";
import { createPostgresDatabase } from "../adapters/database/postgres/create-postgres-database.ts";
import { holdDatabase } from "../adapters/database/postgres/hold-database.ts";
import { loadMigrations } from "../migrations/load-migrations.ts";
import { migrate } from "../migrations/migrate.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Database } from "../ports/database.ts";
import { backUp } from "../test/back-up.ts";
import { type BusyStore, fillBusily, finishBusyStore } from "../test/busy-store.ts";
import { silentLog } from "../test/orchestrate.ts";
import { forkSource } from "../test/processes/fork-source.ts";
import { scratchDatabase } from "../test/services.ts";
import { listBackupsAt, restoreStore, showBackupAt, verifyBackupAt } from "./restore-store.ts";

const bulk = 30_000;

let folder: string;
let dataDir: string;
let store: BusyStore;
let blobs: BlobStore;
let id: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "muster-restore-"));
  dataDir = join(folder, "store");
  const database = await createPgliteDatabase({ dataDir });
  await migrate(database, await loadMigrations());
  store = await fillBusily(database);
  await database.execute(`
    insert into event (at, type, tenant, data) select n, 'bulk', 't', json_build_object('n', n) from generate_series(1, ${bulk}) n;
    insert into event (at, type, tenant, data) select 0, 'bulk', 't', to_json(repeat('ä', 1000000)) from generate_series(1, 5)`);
  blobs = await createFilesystemBlobs({ folder: join(dataDir, "blobs"), log: silentLog });
  await blobs.put("artifacts/default/kept.txt", bytesOf("kept"), { contentType: "text/plain" });
  id = await backUp(database, blobs, { withArtifacts: true });
  await database.close();
});
afterAll(async () => {
  await blobs.close();
  await rm(folder, { recursive: true });
});

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

async function onScratch(work: (url: string) => Promise<void>): Promise<void> {
  const scratch = await scratchDatabase();
  await work(scratch.url).finally(() => scratch.drop());
}

async function withDatabase<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await createPostgresDatabase({ url });
  return work(database).finally(() => database.close());
}

const countEvents = async (database: Database): Promise<number> =>
  (await database.query<{ n: number }>({ name: "count", text: "select count(*) as n from event" }))[0]?.n ??
  -1;

it("a backup of the embedded store is restored into a server, and its work goes on there", () =>
  onScratch(async (url) => {
    const said: string[] = [];
    const report = await restoreStore({
      from: dataDir,
      id: "latest",
      to: url,
      onProgress: (s) => said.push(s),
    });
    expect(report).toMatchObject({ id, artifacts: null });
    expect(said[0]).toMatch(/^checked \d+ parts/);
    expect(report.tables).toEqual((await showBackupAt({ from: dataDir }, id)).tables);
    await withDatabase(url, (database) => finishBusyStore(database, store));
  }));

it("one of a server is restored into a data folder, with its artifacts, and into another server", () =>
  onScratch(async (url) => {
    await restoreStore({ from: dataDir, id, to: url });
    const back = await withDatabase(url, (database) =>
      backUp(database, blobs, { withArtifacts: true, key: "k".repeat(20) }),
    );
    const to = join(folder, "back");
    const report = await restoreStore({ from: dataDir, id: back, to, key: "k".repeat(20) });
    expect(report).toMatchObject({ to, artifacts: { restored: 1, present: 0, missing: 0 } });
    expect(report.tables).toEqual((await showBackupAt({ from: dataDir }, back)).tables);
    const verified = await verifyBackupAt({ from: dataDir, id: back, scratch: url, key: "k".repeat(20) });
    expect(verified.steps.join()).toContain("muster_verify_");
    const { backups } = await listBackupsAt({ from: join(dataDir, "blobs") });
    expect(backups.find((one) => one.id === back)?.verifiedAt).toBeGreaterThan(0);
    await blobs.delete(`backups/${back}/manifest.json`);
  }));

it("a target that is used or holds something is refused, and with force a new database is made beside it", () =>
  onScratch(async (url) => {
    const hold = await holdDatabase({ url, shared: true, log: silentLog, onLost() {} });
    await expect(restoreStore({ from: dataDir, id, to: url })).rejects.toMatchObject({
      code: "storage_locked",
    });
    await hold.release();
    await withDatabase(url, async (database) => {
      await migrate(database, await loadMigrations());
      await database.execute("insert into tenant (id) values ('eve')");
    });
    await expect(restoreStore({ from: dataDir, id, to: url })).rejects.toMatchObject({ code: "conflict" });
    const { to } = await restoreStore({ from: dataDir, id, to: url, force: true });
    const name = new URL(to).pathname.slice(1);
    expect(name).toMatch(/_restored_\d{14}$/);
    const beside = Object.assign(new URL(url), { pathname: `/${name}` }).href;
    await withDatabase(beside, async (database) => expect(await countEvents(database)).toBeGreaterThan(bulk));
    await withDatabase(url, async (database) => expect(await countEvents(database)).toBe(0));
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(`drop database "${name}"`);
    await client.end();
  }));

it("a process that is killed while it restores leaves empty tables, and the next one succeeds", () =>
  onScratch(async (url) => {
    const child = forkSource("back-up-until-killed.ts", ["restore", dataDir, id, url]);
    for (let said = ""; !said.startsWith("restored event"); )
      [said] = (await once(child, "message")) as [string];
    child.kill("SIGKILL");
    await once(child, "exit");
    await withDatabase(url, async (database) => expect(await countEvents(database)).toBe(0));
    await restoreStore({ from: dataDir, id, to: url });
    await withDatabase(url, async (database) => expect(await countEvents(database)).toBeGreaterThan(bulk));
  }));

it("a process that is killed while it writes a backup leaves none, and the store goes on", async () => {
  const child = forkSource("back-up-until-killed.ts", ["create", dataDir]);
  for (let said = ""; !said.startsWith("saved event"); ) [said] = (await once(child, "message")) as [string];
  child.kill("SIGKILL");
  await once(child, "exit");
  const { backups, unusable } = await listBackupsAt({ from: dataDir });
  expect(backups.map((one) => one.id)).toEqual([id]);
  expect(unusable.length).toBeGreaterThan(0);
  const database = await createPgliteDatabase({ dataDir });
  const next = await backUp(database, blobs);
  await database.close();
  expect((await listBackupsAt({ from: dataDir })).backups[0]?.id).toBe(next);
});
