import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Database } from "../../../ports/database.ts";
import { createPgliteDatabase } from "./create-pglite-database.ts";

const add = { name: "add", text: "insert into pair (n) values ($1), (-$1::int)" };
const read = { name: "read", text: "select count(*) as rows, sum(n) as sum, max(n) as newest from pair" };

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "muster-snapshot-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function withStore(
  name: string,
  work: (store: Database, dataDir: string) => Promise<void>,
): Promise<void> {
  const dataDir = join(root, name);
  const store = await createPgliteDatabase({ dataDir });
  await store.execute("create table pair (n int)");
  await work(store, dataDir).finally(() => store.close());
}

it("work goes on while a snapshot is read, and none of it shows in there", () =>
  withStore("busy", async (store, dataDir) => {
    let written = 0;
    let stop = false;
    const write = async () => {
      while (!stop) await store.query(add, [++written]);
    };
    const writing = write();
    await store.snapshot(async (reader) => {
      const [first] = await reader.query<{ rows: number; sum: number; newest: number }>(read);
      // Every statement wrote a number and its negative: half a statement would show.
      expect(first).toMatchObject({ sum: 0 });
      expect(first?.rows).toBe((first?.newest ?? 0) * 2);
      const from = written;
      while (written < from + 50) await new Promise((resolve) => setImmediate(resolve));
      expect(await reader.query(read)).toEqual([first]);
    });
    stop = true;
    await writing;
    expect(existsSync(join(dataDir, "snapshot"))).toBe(false);
  }));

it("one snapshot is read at a time, and one that fails leaves nothing behind", () =>
  withStore("failing", async (store, dataDir) => {
    const failed = store.snapshot(async () => {
      await expect(store.snapshot(async () => {})).rejects.toMatchObject({ code: "conflict" });
      throw new Error("no more");
    });
    await expect(failed).rejects.toThrow("no more");
    expect(existsSync(join(dataDir, "snapshot"))).toBe(false);
    await store.query(add, [1]);
    expect(await store.snapshot((reader) => reader.query(read))).toMatchObject([{ rows: 2 }]);
  }));

it("what a process that was killed left of a snapshot is removed at the next start", async () => {
  const dataDir = join(root, "killed");
  await mkdir(join(dataDir, "snapshot", "db"), { recursive: true });
  await writeFile(join(dataDir, "snapshot", "db", "half"), "half");
  await (await createPgliteDatabase({ dataDir })).close();
  expect(existsSync(join(dataDir, "snapshot"))).toBe(false);
});
