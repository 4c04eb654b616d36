/**
 * Measures backups of a store on PostgreSQL: how fast one is written and restored, and what work loses meanwhile. Work is
 * measured in pairs, a while alone and then for as long as a backup takes, so that whatever else the machine does is in
 * both. `usage` says how.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFilesystemBlobs } from "../../packages/server/src/adapters/blob-store/filesystem/create-filesystem-blobs.ts";
import { createPostgresDatabase } from "../../packages/server/src/adapters/database/postgres/create-postgres-database.ts";
import { loadMigrations } from "../../packages/server/src/migrations/load-migrations.ts";
import { migrate } from "../../packages/server/src/migrations/migrate.ts";
import { backUp, restore } from "../../packages/server/src/test/back-up.ts";
import { orchestrate, silentLog, someone } from "../../packages/server/src/test/orchestrate.ts";
import { scratchDatabase } from "../../packages/server/src/test/services.ts";
import { readArguments, readNumber } from "../../scripts/read-arguments.ts";
import { fill } from "./fill.ts";

const usage = `
Measures backups of a store on PostgreSQL: how fast one is written and restored, and what work loses meanwhile.

  npm run bench:backup -- --tasks 100000

  --tasks N    ended tasks with three events each in the store (1,000,000)
  --rounds N   how often work is measured alone and beside a backup (2)
  --help       this
`;

const { values } = readArguments(usage, {
  options: { tasks: { type: "string", default: "1000000" }, rounds: { type: "string", default: "2" } },
});
const tasks = readNumber("tasks", values.tasks);
const rounds = readNumber("rounds", values.rounds, { least: 1 });
const longMs = 24 * 3_600_000;
const aloneMs = 10_000;
/** Tasks that are under way at once. */
const inFlight = 50;

const folder = await mkdtemp(join(tmpdir(), "muster-bench-backup-"));
const blobs = await createFilesystemBlobs({ folder, log: silentLog });
const [from, to] = await Promise.all([scratchDatabase(), scratchDatabase()]);
const database = await createPostgresDatabase({ url: from.url });
await migrate(database, await loadMigrations());
await fill(database, tasks);
await database.execute("analyze");
// What was filled in is of long ago and stays.
const muster = await orchestrate(database, { retentionMs: 10 * 365 * 24 * 3_600_000 });
await muster.agent({
  name: "counter",
  maxConcurrency: inFlight,
  capabilities: [{ name: "count", handler: () => null }],
});

/** Tasks per second from submission to end until `over` resolves. */
async function rateUntil(over: Promise<unknown>): Promise<number> {
  let stopped = false;
  let ended = 0;
  const work = async () => {
    while (!stopped) {
      const [task] = await muster.orchestrator.tasks.submit([{ capability: "count" }], someone);
      await muster.orchestrator.tasks.wait(task?.id as string, 60_000, someone);
      ended += 1;
    }
  };
  const start = performance.now();
  const workers = Array.from({ length: inFlight }, work);
  await over;
  const seconds = (performance.now() - start) / 1_000;
  stopped = true;
  const rate = ended / seconds;
  await Promise.all(workers);
  return Math.round(rate);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const report = (name: string, value: number, unit: string) => console.log(`${name}: ${value} ${unit}`);

let id = "";
await rateUntil(pause(2_000));
for (let round = 1; round <= rounds; round++) {
  const alone = await rateUntil(pause(aloneMs));
  const start = performance.now();
  const writing = backUp(database, blobs).then((made) => {
    id = made;
    return (performance.now() - start) / 1_000;
  });
  const beside = await rateUntil(writing);
  report(`round ${round}, work alone`, alone, "tasks/s");
  report(`round ${round}, work beside a backup`, beside, "tasks/s");
  report(`round ${round}, backup written in`, Math.round(await writing), "s");
}
await muster.stop();
await database.close();
await from.drop();

const target = await createPostgresDatabase({ url: to.url, transactionMs: longMs, answerMs: longMs });
const start = performance.now();
const restored = await restore(blobs, id, target);
const seconds = (performance.now() - start) / 1_000;
const rows = restored.tables.reduce((sum, table) => sum + table.rows, 0);
report("restored", rows, "rows");
report("restored in", Math.round(seconds), "s, all of it checked, compared and analyzed");
report("restored at", Math.round(rows / seconds), "rows/s");
report("largest memory of this process", Math.round(process.resourceUsage().maxRSS / 1024), "MiB");
await target.close();
await to.drop();
await blobs.close();
await rm(folder, { recursive: true });
