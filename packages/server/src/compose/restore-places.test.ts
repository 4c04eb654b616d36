import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createFilesystemBlobs } from "../adapters/blob-store/filesystem/create-filesystem-blobs.ts";
import type { Database } from "../ports/database.ts";
import { backUp } from "../test/back-up.ts";
import { startFakeS3 } from "../test/fake-s3/start-fake-s3.ts";
import { freshDatabase, orchestrate, root, silentLog } from "../test/orchestrate.ts";
import { forkSource } from "../test/processes/fork-source.ts";
import { openBlobs } from "./open-blobs.ts";
import { openDatabase } from "./open-database.ts";
import { listBackupsAt, type RestoreStoreReport, restoreStore } from "./restore-store.ts";

const events = 8_000;
const oldBackup = new URL("../test/fixtures/old-backup/", import.meta.url).pathname;

let folder: string;
let dataDir: string;
let database: Database;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "muster-places-"));
  dataDir = join(folder, "store");
  database = await freshDatabase();
  await database.execute(
    `insert into event (at, type, tenant, data) select n, 'bulk', 't', to_json(md5(n::text)) from generate_series(1, ${events}) n`,
  );
});
afterAll(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

const open = (to: string) =>
  openDatabase({
    ...{ dataDir: to, shared: false, startMs: 0, log: silentLog },
    ...{ onProgress: () => {}, onFatal: () => {} },
  });
const eventsIn = ({ tables }: RestoreStoreReport): number =>
  tables.find(({ name }) => name === "event")?.rows ?? -1;
/** Engines are started for these, on a machine that may be busy. */
const patience = { timeout: 120_000 };

it(
  "a process that is killed while it restores into a folder leaves none that looks whole, and the next one succeeds",
  patience,
  async () => {
    const blobs = await createFilesystemBlobs({ folder: join(dataDir, "blobs"), log: silentLog });
    const id = await backUp(database, blobs);
    await blobs.close();
    const to = join(folder, "killed");
    const child = forkSource("back-up-until-killed.ts", ["restore", dataDir, id, to]);
    for (let said = ""; !said.startsWith("restored event"); )
      [said] = (await once(child, "message")) as [string];
    child.kill("SIGKILL");
    await once(child, "exit");
    await expect(open(to)).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining(id) });
    expect(eventsIn(await restoreStore({ from: dataDir, id, to }))).toBeGreaterThanOrEqual(events);
  },
);

it("backups in a bucket are listed and restored, and one that was cut off is none", patience, async () => {
  const s3 = await startFakeS3();
  try {
    const blobs = await openBlobs({ s3Url: s3.url("night"), dataDir: null, log: silentLog });
    const id = await backUp(database, blobs, { key: "k".repeat(20) });
    const stopped = new AbortController();
    const cutOff = backUp(database, blobs, {
      signal: stopped.signal,
      onProgress: () => stopped.abort(new Error("the node was stopped")),
    });
    await expect(cutOff).rejects.toThrow("the node was stopped");
    await blobs.close();
    const from = s3.url("night");
    expect((await listBackupsAt({ from })).backups.map((one) => one.id)).toEqual([id]);
    const key = "k".repeat(20);
    const to = join(folder, "from-bucket");
    expect(eventsIn(await restoreStore({ from, id: "latest", to, key }))).toBeGreaterThanOrEqual(events);
  } finally {
    await s3.close();
  }
});

it(
  "a backup of an older version is restored as it was and brought up to date, and its work goes on",
  patience,
  async () => {
    const to = join(folder, "old");
    const report = await restoreStore({ from: oldBackup, id: "latest", to });
    expect(report.takenBack).toBe(1);
    const restored = await open(to);
    const muster = await orchestrate(restored.database, { retentionMs: Number.MAX_SAFE_INTEGER });
    const { orchestrator } = muster;
    await muster.agent({ name: "counter", capabilities: [{ name: "count", handler: () => "counted" }] });
    for (const n of [1, 2])
      expect(
        await orchestrator.tasks.wait(`0190163d-8694-739b-aea5-966c26f8ad0${n}`, 10_000, root),
      ).toMatchObject({
        status: "completed",
        output: "counted",
      });
    expect(await orchestrator.tasks.get("0190163d-8694-739b-aea5-966c26f8ad03", root)).toMatchObject({
      output: { ö: "☃" },
    });
    const ada = { ...root, tenant: "acme" };
    expect(await orchestrator.state.of(ada, "shop").get("plan")).toMatchObject({
      version: 7,
      content: { steps: ["design"] },
    });
    expect(await orchestrator.schedules.get("nightly", ada)).toMatchObject({
      status: "paused",
      cron: "30 2 * * *",
    });
    await muster.stop();
    await restored.close();
  },
);
