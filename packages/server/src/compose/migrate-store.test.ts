import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createPgliteDatabase } from "../adapters/database/pglite/create-pglite-database.ts";
import { loadMigrations } from "../migrations/load-migrations.ts";
import { migrate } from "../migrations/migrate.ts";
import { migrateStore } from "./migrate-store.ts";

/** The embedded store takes its time on a busy machine. */
const patient = { timeout: 60_000 };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "muster-migrate-"));
});
afterEach(() => rm(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

/** A store with some tenants in it. */
async function makeStore(name: string, tenants: string[]): Promise<void> {
  const database = await createPgliteDatabase({ dataDir: at(name) });
  await migrate(database, await loadMigrations());
  for (const tenant of tenants)
    await database.execute(`insert into tenant (id, weight) values ('${tenant}', 0.1)`);
  await database.close();
}

async function tenantsOf(name: string): Promise<unknown> {
  const database = await createPgliteDatabase({ dataDir: at(name) });
  const rows = await database.query({ name: "t", text: "select id, weight from tenant order by id" });
  await database.close();
  return rows;
}

it("a store is copied into a new folder, and the source stays as it is", patient, async () => {
  await makeStore("one", ["ann", "bob"]);
  const { tables } = await migrateStore({ from: at("one"), to: at("two") });
  expect(tables.find(({ name }) => name === "tenant")).toMatchObject({ rows: 2 });
  expect(tables.map(({ name }) => name)).toContain("event");
  const rows = [
    { id: "ann", weight: 0.1 },
    { id: "bob", weight: 0.1 },
  ];
  expect(await tenantsOf("two")).toEqual(rows);
  expect(await tenantsOf("one")).toEqual(rows);
});

it("a target that holds something is refused, and replaced only when told", patient, async () => {
  await makeStore("one", ["ann"]);
  await makeStore("two", ["eve", "mallory"]);
  const move = { from: at("one"), to: at("two") };
  const refusal = {
    code: "conflict",
    message: expect.stringContaining("tenant 2"),
    hint: expect.stringContaining("--force"),
  };
  await expect(migrateStore(move)).rejects.toMatchObject(refusal);
  const sentences: string[] = [];
  const onProgress = (sentence: string) => void sentences.push(sentence);
  const { replaced } = await migrateStore({ ...move, force: true, onProgress });
  expect(replaced).toEqual([{ name: "tenant", rows: 2 }]);
  expect(sentences).toContain("replacing what the target holds: tenant 2");
  expect(await tenantsOf("two")).toEqual([{ id: "ann", weight: 0.1 }]);
});

it("a rehearsal makes nothing and says what would be copied", patient, async () => {
  await makeStore("one", ["ann"]);
  const { dryRun, tables } = await migrateStore({ from: at("one"), to: at("two"), dryRun: true });
  expect(dryRun).toBe(true);
  expect(tables.find(({ name }) => name === "tenant")).toMatchObject({
    rows: 1,
    checksum: expect.any(String),
  });
  expect(existsSync(at("two"))).toBe(false);
});

it("a store that is in use, or is none, is refused", patient, async () => {
  await expect(migrateStore({ from: at("none"), to: at("two") })).rejects.toMatchObject({
    code: "not_found",
  });
  expect(existsSync(at("none"))).toBe(false);
  await makeStore("one", []);
  await expect(migrateStore({ from: at("one"), to: at("one") })).rejects.toMatchObject({
    code: "invalid_request",
  });
  const user = await createPgliteDatabase({ dataDir: at("one") });
  await expect(migrateStore({ from: at("one"), to: at("two") })).rejects.toMatchObject({
    code: "storage_locked",
  });
  await user.close();
});
