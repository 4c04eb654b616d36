import { setTimeout as pause } from "node:timers/promises";
import { openLedger } from "../ledger.ts";
import { type Measured, milliseconds, quantile, type Scenario } from "../scenario.ts";
import type { Session } from "../system.ts";

const perSecond = 50;
const count = 1_000;
/** The first ones warm everything up and are not counted. */
const uncounted = 100;

/** How long a job that is handed in alone waits until its handler begins, at a steady pace. */
async function latencies(session: Session, scale: number): Promise<Measured> {
  const jobs = Array.from({ length: Math.max(uncounted * 2, count * scale) }, (_, key) => ({
    key,
    needs: [],
  }));
  const submittedAt: number[] = [];
  const waits: number[] = [];
  const ledger = openLedger([jobs]);
  session.watch({
    ...ledger,
    ran(key) {
      waits.push(performance.now() - (submittedAt[key] as number));
      ledger.ran(key);
    },
  });
  const started = performance.now();
  const submissions: Promise<unknown>[] = [];
  for (const job of jobs) {
    await pause(Math.max(0, started + (job.key * 1_000) / perSecond - performance.now()));
    submittedAt[job.key] = performance.now();
    submissions.push(session.submit([job]));
  }
  await Promise.all(submissions);
  await session.settled(ledger);
  ledger.verify();
  const counted = waits.slice(uncounted);
  return { p50: quantile(counted, 0.5), p99: quantile(counted, 0.99) };
}

export const latency: Scenario = {
  title: `from handing in to the handler, at ${perSecond} tasks/s`,
  systems: [
    "muster-embedded",
    "muster-postgres",
    "muster-cluster",
    "bullmq",
    "bullmq-synced",
    "pg-boss",
    "graphile-worker",
  ],
  purpose: "latency",
  figures: { p50: milliseconds, p99: milliseconds },
  targets: { "muster-postgres": { p50: 3, p99: 15 } },
  measure: latencies,
};
