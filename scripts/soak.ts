// Lets two nodes work for a while under mixed load and random faults; `usage` says how.
import { startCluster } from "../e2e/cluster/support/cluster.ts";
import { findLeaks } from "../e2e/cluster/support/leaks.ts";
import { randomFrom } from "../e2e/cluster/support/random-from.ts";
import { startServers } from "../e2e/cluster/support/servers.ts";
import { startWatcher } from "../e2e/cluster/support/watcher.ts";
import { createAudit } from "../e2e/soak/audit.ts";
import { startSoakFaults } from "../e2e/soak/soak-faults.ts";
import { startSoakLoad } from "../e2e/soak/soak-load.ts";
import { measures, type Sample, takeSample } from "../e2e/soak/take-sample.ts";
import { findTrend, type Trend } from "../e2e/soak/trends.ts";
import { cleanUp, eventually, pause } from "../e2e/support/processes.ts";
import { readArguments, readNumber } from "./read-arguments.ts";

const usage = `
Lets two nodes work for a while under mixed load and random faults, on servers of their own, and looks for what grows
and for rules that were broken.

  npm run soak -- --minutes 10 --seed 7

  --minutes N   how long it works (10)
  --rest N      seconds between two faults (20)
  --seed N      of load and faults (a fresh one)
  --help        this

Prints a table of what was measured. Ends with 1 where anything grew without bound or any rule was broken, with 2 if
it was used wrongly.
`;

const { values } = readArguments(usage, {
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    rest: { type: "string", default: "20" },
  },
});
const minutes = readNumber("minutes", values.minutes, { whole: false });
const restSeconds = readNumber("rest", values.rest, { whole: false });
const seed = readNumber("seed", values.seed);

const sampleEveryMs = 5_000;
/** Short, so that what is pruned is a part of the soak, and longer than a busy machine keeps the audit from reading. */
const retentionMs = 180_000;
const endMs = 180_000;
const environment = { MUSTER_RETENTION_MS: `${retentionMs}` };

async function soak(): Promise<boolean> {
  const random = randomFrom(seed);
  console.log(`seed ${seed}, ${minutes} minutes, a fault every ${restSeconds} s or so`);
  const servers = await startServers();
  const cluster = await startCluster(servers, { env: environment });
  try {
    const after = (await cluster.client.info()).latestEvent;
    const watchers = await Promise.all([
      startWatcher(cluster.client, after),
      startWatcher(cluster.client, after),
    ]);
    const audit = createAudit(cluster.database, after, retentionMs);
    const load = await startSoakLoad(cluster, random);
    const faults = startSoakFaults(cluster, random, restSeconds * 1_000);
    const samples: Sample[] = [];
    const until = Date.now() + minutes * 60_000;
    while (Date.now() < until) {
      await pause(sampleEveryMs);
      samples.push(await takeSample(cluster));
      await audit.look();
    }
    await faults.stop();
    await load.stop();
    await eventually("every task has ended", () => nothingOpen(cluster.database), endMs).catch(console.error);
    const latest = (await cluster.client.info()).latestEvent;
    const caughtUp = () => watchers.every(({ seen }) => (seen.at(-1)?.seq ?? after) >= latest);
    await eventually("the watchers have seen it all", caughtUp, endMs).catch(console.error);
    await Promise.all(watchers.map((watcher) => watcher.stop()));
    const broken = await audit.judge(
      load,
      watchers.map(({ seen }) => seen),
    );
    broken.push(...(await findLeaks(cluster)));
    const trends = Object.entries(measures).map(([id, measure]) =>
      findTrend(
        measure,
        samples.map((sample) => sample[id as keyof Sample]).filter((value) => value !== undefined),
      ),
    );
    for (const [name, count] of faults.made) console.log(`${String(count).padStart(4)} times ${name}`);
    console.log(`${load.fates.size} tasks, ${load.runs.size} runs, ${audit.count()} events`);
    printTable(trends);
    for (const violation of broken) console.log(`BROKEN: ${violation}`);
    return broken.length === 0 && !trends.some(({ grows }) => grows);
  } finally {
    await cluster.close();
    await servers.remove();
  }
}

async function nothingOpen(database: Awaited<ReturnType<typeof startCluster>>["database"]): Promise<boolean> {
  const { rows } = await database.query(
    `select (select count(*) from task where ended_at is null) + (select count(*) from run where ended_at is null) as open`,
  );
  return Number(rows[0].open) === 0;
}

function printTable(trends: readonly Trend[]): void {
  const columns = (name: string, ...values: string[]) =>
    [name.padEnd(42), ...values.map((value) => value.padStart(12))].join("");
  console.log(columns("", "3rd quarter", "4th quarter", "most", ""));
  for (const { name, unit, third, last, most, grows } of trends) {
    const numbers = [third, last, most].map((value) => `${Math.round(value)} ${unit}`.trim());
    console.log(columns(name, ...numbers, grows ? "GROWS" : "fine"));
  }
}

let fine = false;
try {
  fine = await soak();
} finally {
  await cleanUp();
}
console.log(fine ? "nothing grew, and all rules held" : "the soak failed");
process.exitCode = fine ? 0 : 1;
