import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MusterError } from "@muster/sdk/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeDatabaseContract } from "../../../test/contracts/database.ts";
import { createPgliteDatabase } from "./create-pglite-database.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "muster-pglite-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

describeDatabaseContract("PGlite on disk, in a worker,", () =>
  createPgliteDatabase({ dataDir: join(root, "contract"), checkNesting: true }),
);
describeDatabaseContract("PGlite in memory, in this thread,", () =>
  createPgliteDatabase({ dataDir: null, thread: "main" }),
);

describe("The embedded store", () => {
  it("syncs its write-ahead log and keeps its memory small", async () => {
    const database = await createPgliteDatabase({ dataDir: join(root, "settings") });
    const show = "select name, setting from pg_settings where name = any($1) order by name";
    const names = ["fsync", "synchronous_commit", "wal_sync_method", "shared_buffers"];
    expect(await database.query({ name: "show", text: show }, [names])).toEqual([
      { name: "fsync", setting: "on" },
      { name: "shared_buffers", setting: "6144" },
      { name: "synchronous_commit", setting: "on" },
      { name: "wal_sync_method", setting: "open_datasync" },
    ]);
    await database.close();
  });

  it("has the extension for vectors, with an index over their signs", async () => {
    const database = await createPgliteDatabase({ dataDir: null, thread: "main" });
    await database.execute(
      "create extension vector; create table v (e real[]); create index on v using hnsw ((binary_quantize(e::vector(2))::bit(2)) bit_hamming_ops)",
    );
    const near = { name: "near", text: "select ('[1,0]'::vector <=> '[0,1]'::vector)::float8 as distance" };
    expect(await database.query(near)).toEqual([{ distance: 1 }]);
    await database.close();
  });

  it("keeps what it was given, over a close and a second opening, and reports its steps", async () => {
    const dataDir = join(root, "kept");
    const said: string[] = [];
    for (const round of [1, 2]) {
      const database = await createPgliteDatabase({ dataDir, onProgress: (sentence) => said.push(sentence) });
      await database.execute("create table if not exists kept (n int)");
      await database.query({ name: "keep", text: "insert into kept values ($1)" }, [round]);
      const rows = await database.query({ name: "all", text: "select n from kept order by n" });
      expect(rows.length).toBe(round);
      await database.close();
      await database.close();
    }
    expect(said[0]).toMatch(/^creating the store/);
    expect(said[1]).toBe("opening the store…");
  });

  it("rolls a transaction back that does not end, and goes on", async () => {
    const database = await createPgliteDatabase({ dataDir: null, transactionMs: 100 });
    await database.execute("create table t (n int)");
    const endless = database.transaction(async (tx) => {
      await tx.query({ name: "i", text: "insert into t values (1)" });
      await new Promise(() => {});
    });
    const after = database.query({ name: "c", text: "select count(*) as n from t" });
    await expect(endless).rejects.toMatchObject({ code: "timeout" });
    expect(await after).toEqual([{ n: 0 }]);
    await database.close();
  });

  it("ends a transaction that waits for itself when its time is over", async () => {
    const database = await createPgliteDatabase({ dataDir: null, transactionMs: 100 });
    const one = { name: "one", text: "select 1 as a" };
    const nested = database.transaction(() => database.query(one));
    await expect(nested).rejects.toMatchObject({
      code: "timeout",
      hint: expect.stringContaining("own statements"),
    });
    expect(await database.query(one)).toEqual([{ a: 1 }]);
    await database.close();
  });

  it("refuses what comes after its end with a clear error", async () => {
    const database = await createPgliteDatabase({ dataDir: null, thread: "main" });
    const last = database.query({ name: "last", text: "select 1 as a" });
    await Promise.all([database.close(), expect(last).resolves.toEqual([{ a: 1 }])]);
    const error = { code: "unavailable", message: "The database is closed." };
    await expect(database.query({ name: "late", text: "select 1" })).rejects.toMatchObject(error);
    await expect(database.transaction(async () => {})).rejects.toMatchObject(error);
  });

  it("rejects everything that is under way when the engine breaks, says so once, and gives the folder back", async () => {
    const dataDir = join(root, "broken");
    const told: MusterError[] = [];
    const database = await createPgliteDatabase({ dataDir, onFatal: (error) => told.push(error) });
    await database.execute("create table t (n int); insert into t values (1)");
    // PGlite can start no programs, and doesn't survive the attempt.
    const end = { name: "end", text: "copy (select 1) to program 'true'" };
    const one = { name: "one", text: "select 1" };
    const pending = [database.query(end), database.query(one), database.transaction((tx) => tx.query(one))];
    for (const outcome of await Promise.allSettled(pending))
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "unavailable" } });
    await expect(database.query(one)).rejects.toMatchObject({ code: "unavailable" });
    expect(told.map(({ code }) => code)).toEqual(["unavailable"]);
    await database.close();
    const again = await createPgliteDatabase({ dataDir });
    expect(await again.query({ name: "t", text: "select n from t" })).toEqual([{ n: 1 }]);
    await again.close();
  });

  it("answers what recurses too deeply with an error instead of breaking", async () => {
    const database = await createPgliteDatabase({ dataDir: null });
    const sum = { name: "sum", text: `select ${"1+".repeat(30_000)}1` };
    const nested = { name: "nested", text: "select $1::jsonb" };
    await expect(database.query(sum)).rejects.toMatchObject({ code: "54001" });
    await expect(database.query(nested, ["[".repeat(200_000)])).rejects.toMatchObject({
      code: expect.stringMatching(/54001|22P02/),
    });
    expect(await database.query({ name: "fine", text: "select 1 as a" })).toEqual([{ a: 1 }]);
    await database.close();
  });
});
