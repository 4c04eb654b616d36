import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TaskSubmission } from "@muster/sdk";
import { type Muster, startMuster } from "muster";

/** Handlers that are told of every task that they start. */
const listeners = new Set<(taskId: string, input: unknown) => void>();

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

export const addAgent = (muster: Muster, name: string) =>
  muster.agent({
    name,
    maxConcurrency: 200,
    capabilities: [
      {
        name: "noop",
        handler: (context) => {
          for (const listener of listeners) listener(context.taskId, context.input);
          return { done: true };
        },
      },
    ],
  });

/** Calls `listener` for every task that starts, until the returned function is called. */
export function onStart(listener: (taskId: string, input: unknown) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Tasks per second from the first call until all of them have ended. */
export async function rateOf(muster: Muster, batches: TaskSubmission[][]): Promise<number> {
  const total = batches.reduce((sum, batch) => sum + batch.length, 0);
  const started = performance.now();
  const over = ended(muster, total);
  await Promise.all(batches.map((batch) => muster.client.tasks.submit(batch)));
  await over;
  return total / ((performance.now() - started) / 1000);
}

/**
 * Resolves when that many tasks have been handled and the last two hundred of them are settled. Nobody has to
 * watch for it, so watching costs nothing.
 */
export async function ended(muster: Muster, total: number): Promise<void> {
  const last: string[] = [];
  await new Promise<void>((resolve) => {
    let handled = 0;
    const stop = onStart((taskId) => {
      last.push(taskId);
      if (last.length > 200) last.shift();
      handled += 1;
      if (handled < total) return;
      stop();
      resolve();
    });
  });
  await Promise.all(last.map((id) => muster.client.tasks.wait(id)));
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
