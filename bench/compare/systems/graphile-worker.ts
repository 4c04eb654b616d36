import { setTimeout as pause } from "node:timers/promises";
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";
import { payloadOf } from "../jobs.ts";
import { type Ledger, noLedger } from "../ledger.ts";
import type { Place } from "../place.ts";
import type { Purpose, Session, System } from "../system.ts";

/** As in graphile-worker's own performance test: many at once, fetched ahead, completed together. */
const concurrentJobs = 24;
const localQueueSize = 500;
/** How often the end is looked for once all jobs have run. */
const lookMs = 2;

const silent = new Logger(() => () => {});
const empty = "select not exists (select from graphile_worker._private_jobs) as empty";

async function open({ databaseUrl }: Place, purpose: Purpose): Promise<Session> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });
  // graphile-worker wants both: a connection that breaks must not end the process.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  const utils = await makeWorkerUtils({ pgPool: pool, logger: silent });
  await utils.migrate();
  let ledger: Ledger = noLedger;
  const runner = await run({
    pgPool: pool,
    noHandleSignals: true,
    logger: silent,
    taskList: {
      noop(payload) {
        ledger.ran((payload as { key: number }).key);
      },
    },
    preset: {
      worker: {
        concurrentJobs,
        ...(purpose === "latency"
          ? {}
          : { localQueue: { size: localQueueSize }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }),
      },
    },
  });
  return {
    watch(next) {
      ledger = next;
    },
    submit: (graph) =>
      graph.length === 1
        ? utils.addJob("noop", payloadOf(graph[0]?.key as number))
        : utils.addJobs(graph.map(({ key }) => ({ identifier: "noop", payload: payloadOf(key) }))),
    async settled(watched) {
      await watched.allRan;
      while ((await pool.query<{ empty: boolean }>(empty)).rows[0]?.empty !== true) await pause(lookMs);
    },
    async close() {
      await runner.stop();
      await utils.release();
      await pool.end();
    },
  };
}

export const graphileWorker: System = {
  title: "graphile-worker",
  package: "graphile-worker",
  setup: `concurrency ${concurrentJobs}, local queue of ${localQueueSize}, completed in batches without delay, 10 connections; for latency without these`,
  durability: "jobs are synced to disk; an end is acknowledged before it is (batched completion)",
  needs: ["postgres"],
  open,
};
