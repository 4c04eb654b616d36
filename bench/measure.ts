import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TaskSubmission } from "@muster/sdk";
import { type Muster, startMuster } from "muster";

/** A fresh embedded orchestrator on disk, with agents that answer at once. */
export async function withMuster<T>(agents: number, measure: (muster: Muster) => Promise<T>): Promise<T> {
  const dataDir = await mkdtemp(join(tmpdir(), "muster-bench-"));
  const muster = await startMuster({ dataDir, listen: false });
  try {
    for (let n = 0; n < agents; n++) await addAgent(muster, `worker-${n}`);
    return await measure(muster);
  } finally {
    await muster.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

export const addAgent = (muster: Muster, name: string, onStart: (input: unknown) => void = () => {}) =>
  muster.agent({
    name,
    maxConcurrency: 200,
    capabilities: [
      {
        name: "noop",
        handler: (context) => {
          onStart(context.input);
          return { done: true };
        },
      },
    ],
  });

/**
 * Submits, and waits until that many tasks completed as the event stream tells it: the full path from the call
 * to the event. Answers tasks per second.
 */
export async function rateOf(muster: Muster, batches: TaskSubmission[][], most?: number): Promise<number> {
  const total = most ?? batches.reduce((sum, batch) => sum + batch.length, 0);
  const { latestEvent } = await muster.client.info();
  const started = performance.now();
  const completed = countCompleted(muster, latestEvent, total);
  await Promise.all(batches.map((batch) => muster.client.tasks.submit(batch)));
  await completed;
  return total / ((performance.now() - started) / 1000);
}

export async function countCompleted(muster: Muster, after: number, total: number): Promise<void> {
  let count = 0;
  for await (const _ of muster.client.events.follow({ after, types: ["task.completed"] })) {
    count += 1;
    if (count >= total) return;
  }
}

export const independent = (count: number, batchSize: number): TaskSubmission[][] =>
  Array.from({ length: Math.ceil(count / batchSize) }, (_, batch) =>
    Array.from({ length: Math.min(batchSize, count - batch * batchSize) }, (_, n) => ({
      capability: "noop",
      input: { n: batch * batchSize + n },
    })),
  );

export const chain = (length: number): TaskSubmission[] =>
  Array.from({ length }, (_, n) => ({
    ref: `t${n}`,
    capability: "noop",
    input: { n },
    ...(n === 0 ? {} : { dependsOn: [`t${n - 1}`] }),
  }));

export const layered = (layers: number, width: number, needs: number): TaskSubmission[] =>
  Array.from({ length: layers * width }, (_, n) => {
    const layer = Math.floor(n / width);
    const place = n % width;
    const names = Array.from({ length: needs }, (_, k) => `${layer - 1}-${(place + k * 7) % width}`);
    return {
      ref: `${layer}-${place}`,
      capability: "noop",
      input: { n },
      ...(layer === 0 ? {} : { dependsOn: names }),
    };
  });

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
