import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createPgliteDatabase } from "../adapters/database/pglite/create-pglite-database.ts";
import type { Database } from "../ports/database.ts";
import { loadMigrations } from "./load-migrations.ts";
import { type Migration, migrate } from "./migrate.ts";

const first: Migration = {
  number: 1,
  name: "first",
  sql: "create table a (n int); insert into a values (1);",
};
const second: Migration = { number: 2, name: "second", sql: "insert into a values (2)\n-- the end" };
const rows = { name: "rows", text: "select n from a order by n" };

describe("Migrations", () => {
  let database: Database;
  beforeAll(async () => {
    database = await createPgliteDatabase({ dataDir: null, thread: "main" });
  });
  afterEach(() => database.execute("drop schema public cascade; create schema public"));
  afterAll(() => database.close());

  it("run once each, in order, also when more come later", async () => {
    expect(await migrate(database, [first])).toEqual(["first"]);
    expect(await migrate(database, [first, second])).toEqual(["second"]);
    expect(await migrate(database, [first, second])).toEqual([]);
    expect(await database.query(rows)).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it("run once when several nodes start together", async () => {
    const done = await Promise.all([1, 2, 3].map(() => migrate(database, [first, second])));
    expect(done.flat().sort()).toEqual(["first", "second"]);
    expect(await database.query(rows)).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it("leave nothing behind when they fail, and run when they are mended", async () => {
    await migrate(database, [first]);
    const bad = { ...second, sql: "insert into a values (2); insert into missing values (1)" };
    await expect(migrate(database, [first, bad])).rejects.toThrow(/Migration 2 \(second\) failed.*missing/);
    expect(await database.query(rows)).toEqual([{ n: 1 }]);
    expect(await migrate(database, [first, second])).toEqual(["second"]);
  });

  it("are refused with another text than the one that ran", async () => {
    await migrate(database, [first]);
    const changed = { ...first, sql: `${first.sql} ` };
    await expect(migrate(database, [changed])).rejects.toMatchObject({
      code: "conflict",
      hint: expect.any(String),
    });
  });

  it("are refused by a program that is older than the store", async () => {
    await migrate(database, [first, second]);
    const refusal = { code: "conflict", message: expect.stringContaining("newer than this program") };
    await expect(migrate(database, [first])).rejects.toMatchObject(refusal);
  });

  it("are refused with a gap or a name that is none", async () => {
    await expect(migrate(database, [second])).rejects.toThrow("number 2 in place 1");
    await expect(migrate(database, [{ ...first, name: "it's" }])).rejects.toThrow("name");
  });

  it("of this program build its tables", async () => {
    const own = await loadMigrations();
    expect(own.map(({ number }) => number)).toEqual(own.map((_, index) => index + 1));
    expect((await migrate(database, own)).length).toBe(own.length);
  });

  it("are read from files with numbered names only", async () => {
    const folder = await mkdtemp(join(tmpdir(), "muster-migrations-"));
    await writeFile(join(folder, "1-bad.sql"), "");
    await expect(loadMigrations(pathToFileURL(`${folder}/`))).rejects.toThrow("0001-name.sql");
    await rm(folder, { recursive: true });
  });
});
