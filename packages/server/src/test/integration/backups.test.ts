import { randomUUID } from "node:crypto";
import type { BackupJob, TaskAssignment } from "@muster/sdk/protocol";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createInMemoryBlobs } from "../../adapters/blob-store/in-memory/create-in-memory-blobs.ts";
import { createArchives } from "../../backup/archives.ts";
import { createBackups } from "../../backup/create-backups.ts";
import type { OrchestratorSettings } from "../../core/create-orchestrator.ts";
import { readSchema } from "../../migrate-store/read-schema.ts";
import { keptTables, tablesLeftOut } from "../../migrate-store/which-tables.ts";
import { loadMigrations } from "../../migrations/load-migrations.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Database, Statement } from "../../ports/database.ts";
import { backUp, restore } from "../back-up.ts";
import { type BusyStore, fillBusily, finishBusyStore } from "../busy-store.ts";
import {
  emptyDatabase,
  freshDatabase,
  orchestrate,
  root,
  someone,
  type TestOrchestrator,
} from "../orchestrate.ts";

const tables: Statement<{ name: string }> = {
  name: "all_tables",
  text: "select relname::text as name from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace order by 1",
};
const key = "a passphrase of some length";

let database: Database;
let target: Database;
let store: BusyStore;
const blobs = createInMemoryBlobs();
beforeAll(async () => {
  [database, target] = await Promise.all([freshDatabase(), freshDatabase()]);
  store = await fillBusily(database);
});
afterAll(() => Promise.all([database.close(), target.close()]));

/** Works on the second database, which is empty. */
async function onTarget<T>(work: () => Promise<T>): Promise<T> {
  await emptyDatabase(target);
  return work();
}

describe("a backup", () => {
  it("has every table, but for those of which it was decided otherwise", async () => {
    const there = (await database.query(tables)).map(({ name }) => name);
    const decided = [...keptTables, ...Object.keys(tablesLeftOut)].sort();
    expect(there, "decide in migrate-store/which-tables.ts").toEqual(decided);
    const saved = (await readSchema(database))?.tables.map(({ name }) => name).sort();
    expect(saved).toEqual([...keptTables].sort());
  });

  it("is restored with everything in it, and work goes on", () =>
    onTarget(async () => {
      const id = await backUp(database, blobs, { key });
      const { takenBack, tables: restored } = await restore(blobs, id, target, { key });
      expect(takenBack).toBeGreaterThan(0);
      expect(restored.find(({ name }) => name === "task")?.rows).toBeGreaterThan(8);
      await finishBusyStore(target, store);
    }));

  it("voids leases, costs no task an attempt, and takes numbers that no event of the lost world had", () =>
    onTarget(async () => {
      const muster = await orchestrate(target);
      const { gateway, tasks, events } = muster.orchestrator;
      const held: TaskAssignment[] = [];
      const { agentId } = await gateway.register(
        { name: "hand", maxConcurrency: 2, capabilities: [{ name: "work" }] },
        root,
        (message) => void (message.type === "task_request" && held.push(message.payload as TaskAssignment)),
      );
      const [task] = await tasks.submit([{ capability: "work", retry: { maxAttempts: 1 } }], someone);
      await vi.waitUntil(() => held.length === 1, { timeout: 10_000 });
      const id = await backUp(target, blobs);
      const before = await events.latest();
      await gateway.request(agentId, "journal", { ...leaseOf(held), key: "lost", value: 1 });
      await muster.stop();
      await emptyDatabase(target);
      await restore(blobs, id, target);
      const next = await orchestrate(target);
      const again = next.orchestrator;
      await again.gateway.register(
        { id: agentId, name: "hand", maxConcurrency: 2, capabilities: [{ name: "other" }] },
        root,
        () => {},
      );
      const settled = { ...leaseOf(held), outcome: { status: "completed", output: "too late" } } as const;
      await expect(again.gateway.request(agentId, "settle", settled)).rejects.toMatchObject({
        code: "lease_lost",
      });
      await next.agent({ name: "heir", capabilities: [{ name: "work", handler: () => "done" }] });
      expect(await again.tasks.wait(task?.id as string, 10_000, someone)).toMatchObject({
        status: "completed",
        output: "done",
      });
      const seqs = (await again.events.read(before, {}, root)).map(({ seq }) => seq);
      expect(Math.min(...seqs)).toBeGreaterThan(before + 1_000_000);
      await next.stop();
    }));

  it("is refused by a store that holds anything, and that is as it was", () =>
    onTarget(async () => {
      const id = await backUp(database, blobs);
      await target.execute("insert into tenant (id) values ('eve')");
      const refusal = { code: "conflict", message: expect.stringContaining("tenant 1") };
      await expect(restore(blobs, id, target)).rejects.toMatchObject(refusal);
      expect(await target.query({ name: "tenants", text: "select id from tenant" })).toEqual([{ id: "eve" }]);
      expect(await target.query({ name: "tasks", text: "select id from task" })).toEqual([]);
    }));

  it("has artifacts where that is asked for, and else their names", async () => {
    const files = createInMemoryBlobs();
    await files.put("artifacts/acme/report.txt", bytesOf("all is well"), { contentType: "text/plain" });
    const [named, whole] = [
      await backUp(database, files),
      await backUp(database, files, { withArtifacts: true, key }),
    ];
    const archives = createArchives(files, key);
    expect((await archives.get(named)).artifacts).toEqual({ included: false, count: 1, bytes: 11 });
    expect((await archives.get(whole)).artifacts).toEqual({ included: true, count: 1, bytes: 11 });
  });
});

describe("the service of backups", () => {
  async function serve(settings: OrchestratorSettings["backup"], place: BlobStore = createInMemoryBlobs()) {
    const backups = createBackups({
      database,
      place,
      artifacts: place,
      migrations: await loadMigrations(),
      openScratch: async () => {
        await emptyDatabase(target);
        return { database: target, shown: "a database for the trial", drop: () => emptyDatabase(target) };
      },
      now: Date.now,
      chance: randomUUID,
      program: "0.0.0-test",
    });
    return orchestrate(database, settings === undefined ? {} : { backup: settings }, { backups });
  }
  const ended = async ({ orchestrator }: TestOrchestrator, job: BackupJob): Promise<BackupJob> => {
    let now = job;
    while (now.status === "running") now = await orchestrator.backups.job(job.id, 1_000, root);
    return now;
  };

  it("writes, lists, verifies and tells of it", async () => {
    const muster = await serve(undefined);
    const { backups, events } = muster.orchestrator;
    const after = await events.latest();
    const created = await backups.create({}, root);
    await expect(backups.create({}, root)).rejects.toMatchObject({ code: "conflict" });
    expect(await ended(muster, created)).toMatchObject({ status: "completed", error: null });
    const verified = await ended(muster, await backups.verify(created.backupId, root));
    expect(verified).toMatchObject({ status: "completed", error: null });
    expect(verified.steps.at(-1)).toMatch(/^compared \d+ tables/);
    const { items, running, unusable } = await backups.list(root);
    expect(items).toMatchObject([{ id: created.backupId, verifiedAt: expect.any(String), encrypted: false }]);
    expect([running, unusable]).toEqual([null, []]);
    const types = (await events.read(after, {}, root)).map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(["backup.created", "backup.verified"]));
    await muster.stop();
  });

  it("is for admins of all tenants alone", async () => {
    const muster = await serve(undefined);
    const { backups } = muster.orchestrator;
    for (const principal of [someone, { ...root, tenant: "acme" }, { ...root, role: "agent" as const }])
      for (const call of [
        () => backups.create({}, principal),
        () => backups.list(principal),
        () => backups.get("x", principal),
        () => backups.verify("x", principal),
        () => backups.job("x", 0, principal),
        () => backups.prune({}, principal),
      ])
        await expect(call()).rejects.toMatchObject({ code: "forbidden" });
    await expect(backups.get("../artifacts", root)).rejects.toMatchObject({ code: "not_found" });
    await expect(
      backups.create({ encrypt: true }, root).then((job) => ended(muster, job)),
    ).resolves.toMatchObject({
      status: "failed",
      error: { code: "invalid_request" },
    });
    await muster.stop();
  });

  it("makes them by itself, verifies them, and keeps what the retention says", async () => {
    const place = createInMemoryBlobs();
    const settings = { everyMs: 1_000, verify: true, retention: { hourly: 1, daily: 0, weekly: 0 } };
    const muster = await serve(settings, place);
    const archives = createArchives(place);
    const made = new Set<string>();
    await vi.waitUntil(
      async () => {
        for (const { id } of (await archives.list()).backups) made.add(id);
        return made.size >= 2;
      },
      { timeout: 20_000 },
    );
    await vi.waitUntil(async () => (await archives.list()).backups.length <= 2, { timeout: 10_000 });
    expect((await muster.orchestrator.backups.list(root)).nextAt).not.toBeNull();
    await muster.stop();
    await database.execute("delete from backup_schedule");
  });

  it("takes a job over from a node that fell silent", async () => {
    await database.execute(`insert into backup_job (id, kind, status, backup, scheduled, progress, steps, started_at, held_until)
      values ('${randomUUID()}', 'create', 'running', 'gone', false, '', '[]', ${Date.now() - 60_000}, ${Date.now() - 1})`);
    const muster = await serve(undefined);
    const job = await ended(muster, await muster.orchestrator.backups.create({}, root));
    expect(job.status).toBe("completed");
    const gone = await database.query({
      name: "gone",
      text: "select status from backup_job where backup = 'gone'",
    });
    expect(gone).toEqual([{ status: "failed" }]);
    await muster.stop();
  });
});

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

function leaseOf([assignment]: readonly TaskAssignment[]): { taskId: string; leaseToken: string } {
  const { taskId, leaseToken } = assignment as TaskAssignment;
  return { taskId, leaseToken };
}
