import { setTimeout as pause } from "node:timers/promises";
import PgBoss from "pg-boss";
import { payloadOf } from "../jobs.ts";
import { type Ledger, noLedger } from "../ledger.ts";
import type { Place } from "../place.ts";
import type { Purpose, Session, System } from "../system.ts";

const queueName = "noop";
/** Jobs that one fetch brings and one call completes. */
const batchSize = 100;
/** Loops of fetch and complete side by side. */
const lanes = 4;
/** How long a loop that found nothing waits. */
const emptyMs = 2;
/** Least time between two polls of `work`; pg-boss allows no less. */
const pollingIntervalSeconds = 0.5;

interface Payload {
  key: number;
}

async function open({ databaseUrl }: Place, purpose: Purpose): Promise<Session> {
  const boss = new PgBoss({ connectionString: databaseUrl, max: 10, supervise: false, schedule: false });
  boss.on("error", (error) => process.stderr.write(`${error}\n`));
  await boss.start();
  await boss.createQueue(queueName);
  let ledger: Ledger = noLedger;
  let loops: Promise<unknown> = Promise.resolve();
  const note = (jobs: { data: Payload }[]) => {
    for (const job of jobs) ledger.ran(job.data.key);
  };

  /** Takes jobs until all of the ledger have run. */
  async function drain(watched: Ledger): Promise<void> {
    while (watched.noted < watched.total) {
      const jobs = await boss.fetch<Payload>(queueName, { batchSize });
      if (jobs.length === 0) {
        await pause(emptyMs);
        continue;
      }
      note(jobs);
      const ids = jobs.map((job) => job.id);
      await boss.complete(queueName, ids);
    }
  }

  if (purpose === "latency")
    await boss.work<Payload>(queueName, { batchSize, pollingIntervalSeconds }, async (jobs) => note(jobs));
  return {
    watch(next) {
      ledger = next;
      if (purpose === "throughput") loops = Promise.all(Array.from({ length: lanes }, () => drain(next)));
    },
    submit: (graph) =>
      boss.insert(graph.map(({ key }) => ({ name: queueName, data: payloadOf(key), retryLimit: 2 }))),
    async settled(watched) {
      await watched.allRan;
      await loops;
    },
    close: () => boss.stop({ graceful: false, wait: true }),
  };
}

export const pgBoss: System = {
  title: "pg-boss",
  package: "pg-boss",
  setup: `${lanes} loops of fetch and complete in hundreds, 10 connections; for latency: work, polling every 0.5 s`,
  durability: "every step is synced to disk",
  needs: ["postgres"],
  open,
};
