import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createSystemClock } from "../../adapters/clock/system-clock.ts";
import { createSystemIds } from "../../adapters/ids/system-ids.ts";
import { type BackupSettings, createBackupService } from "../../core/backup/backup-service.ts";
import type { Backups } from "../../ports/backups.ts";
import type { Database } from "../../ports/database.ts";
import { emptyDatabase, freshDatabase, root, silentLog } from "../orchestrate.ts";

let database: Database;
let now: number;
let made: string[];
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await emptyDatabase(database);
  now = Date.parse("2030-01-01T00:00:30Z");
  made = [];
});

/** A node that notes when it would have written a backup. */
function node(settings: Partial<BackupSettings>) {
  const backups = {
    nextId: () => "20300101-000000-00000000",
    create: async () => {
      made.push(new Date(now).toISOString());
      return { rows: 0, bytes: 0 };
    },
    list: async () => ({ backups: [], unusable: [] }),
    get: async () => Promise.reject(new Error("there is none")),
    sweep: async () => 0,
  } as unknown as Backups;
  const clock = { ...createSystemClock(), now: () => now };
  return createBackupService({ backups, database, clock, ids: createSystemIds(), log: silentLog, settings });
}
const cron = { everyMs: 0, cron: "30 3 * * *", timezone: "Europe/Berlin", verify: false };

it("a backup is made by its cron line, once, however many nodes look, also where all were down at that time", async () => {
  const nodes = [node(cron), node(cron)];
  const look = () => Promise.all(nodes.map((one) => one.tick(now)));
  await look();
  expect((await nodes[0]?.service.list(root))?.nextAt).toBe("2030-01-01T02:30:00.000Z");
  now = Date.parse("2030-01-01T02:29:59Z");
  await look();
  expect(made).toEqual([]);
  now += 1_000;
  await look();
  await expect.poll(() => made, { timeout: 10_000 }).toEqual(["2030-01-01T02:30:00.000Z"]);
  await look();
  now = Date.parse("2030-01-05T12:00:00Z");
  await Promise.all(nodes.map((one) => one.stop()));
  const later = node(cron);
  await later.tick(now);
  await expect.poll(() => made, { timeout: 10_000 }).toHaveLength(2);
  await later.tick(now);
  expect((await later.service.list(root)).nextAt).toBe("2030-01-06T02:30:00.000Z");
  await later.stop();
  expect(made).toHaveLength(2);
});

it("another rule begins anew", async () => {
  await node(cron).tick(now);
  const hourly = node({ everyMs: 3_600_000, verify: false });
  await hourly.tick(now);
  expect((await hourly.service.list(root)).nextAt).toBe("2030-01-01T01:00:00.000Z");
  const other = node({ ...cron, cron: "0 12 * * *", timezone: "UTC" });
  await other.tick(now);
  expect((await other.service.list(root)).nextAt).toBe("2030-01-01T12:00:00.000Z");
});

it("a rule that can't be is refused when the node starts", () => {
  expect(() => node({ ...cron, cron: "30 25 * * *" })).toThrow("wrong in the hour");
});
