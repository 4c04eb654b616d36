import type { Client, TaskSubmission } from "@muster/sdk";
import { eventually } from "../../support/processes.ts";
import type { Chance } from "./random-from.ts";

/** Tasks of one batch; whatever depends on each other is in one. */
const batchLength = 50;
const chainLength = 5;
const layers = 3;
const layerWidth = 4;
/** A submission is tried again until it is acknowledged, through a fault of this length. */
const patienceMs = 150_000;
/** Retries come soon, so that a round does not wait for them; and often enough for every fault of it. */
const retry = { delayMs: 200, maxDelayMs: 1_000, maxAttempts: 20 };

const work = (random: Chance, more: Partial<TaskSubmission> = {}): TaskSubmission => ({
  capability: "work",
  input: { ms: random.between(0, 60) },
  retry,
  ...more,
});

const shapes: Record<string, (random: Chance, name: string) => TaskSubmission[]> = {
  independent: (random) => [work(random)],
  steps: (random) => [{ capability: "steps", input: { steps: 3, ms: random.between(0, 30) }, retry }],
  retried: (random) => [work(random, { input: { ms: 5, fails: 1 } })],
  chain: (random, name) =>
    Array.from({ length: chainLength }, (_, link) =>
      work(random, { ref: `${name}.${link}`, ...(link > 0 && { dependsOn: [`${name}.${link - 1}`] }) }),
    ),
  layered(random, name) {
    const refOf = (layer: number, place: number) => `${name}.${layer}.${place}`;
    const all = Array.from({ length: layerWidth }, (_, place) => place);
    return Array.from({ length: layers }, (_, layer) =>
      all.map((place) =>
        work(random, {
          ref: refOf(layer, place),
          ...(layer > 0 && { dependsOn: all.map((before) => refOf(layer - 1, before)) }),
        }),
      ),
    ).flat();
  },
  parent: () => [{ capability: "parent", input: { children: 3, ms: 10 }, retry }],
};

/** Most tasks stand alone or in a chain, as in life. */
const mixture = [
  "independent",
  "independent",
  "independent",
  "chain",
  "chain",
  "layered",
  "steps",
  "retried",
  "parent",
];

/** One batch of mixed work; its keys make a second submission of it the same one. */
export function createBatch(random: Chance, name: string): TaskSubmission[] {
  const tasks: TaskSubmission[] = [];
  while (tasks.length < batchLength) {
    tasks.push(...shapes[random.pick(mixture)]!(random, `${tasks.length}`));
  }
  return tasks.map((task, index) => ({ ...task, idempotencyKey: `${name} ${index}` }));
}

/** Hands a batch in and answers the ids that were acknowledged, however often the line breaks meanwhile. */
export async function submitBatch(client: Client, name: string, tasks: TaskSubmission[]): Promise<string[]> {
  const submitted = await eventually(
    `${name} is acknowledged`,
    () =>
      client.tasks.submit(tasks).catch((error) => {
        if (error.retryable) return undefined;
        throw error;
      }),
    patienceMs,
  );
  return submitted.map(({ id }) => id);
}
