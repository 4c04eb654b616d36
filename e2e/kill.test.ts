import { join } from "node:path";
import type { Client, Event, TaskSubmission } from "@muster/sdk";
import { afterEach, expect, test } from "vitest";
import { startAgentProcess } from "./support/agent-processes.ts";
import { cleanUp, eventually, temporaryFolder } from "./support/processes.ts";
import { type ServerProcess, startFreshServer, startServer } from "./support/server-process.ts";
import { readSideFile } from "./support/side-file.ts";

afterEach(cleanUp);

const independent = 300;
const chains = 80;
const chainLength = 5;
const stepped = 300;
const total = independent + chains * chainLength + stepped;
const batchSize = 50;

/** A thousand tasks: some alone, some in chains, some with journaled steps. */
function createWork(): TaskSubmission[][] {
  const chained = Array.from({ length: chains }, (_, chain) =>
    Array.from({ length: chainLength }, (_, link): TaskSubmission => {
      const before = link === 0 ? {} : { dependsOn: [`${chain}/${link - 1}`] };
      return { ref: `${chain}/${link}`, capability: "worker.slow", input: { ms: 10 }, ...before };
    }),
  );
  const alone = [
    ...Array.from({ length: independent }, () => ({ capability: "worker.echo", input: { text: "hello" } })),
    ...Array.from({ length: stepped }, () => ({
      capability: "worker.steps",
      input: { steps: 2, pauseMs: 20 },
    })),
  ];
  const perBatch = batchSize / chainLength;
  const batches: TaskSubmission[][] = [];
  for (let from = 0; from < chained.length; from += perBatch)
    batches.push(chained.slice(from, from + perBatch).flat());
  // Taken from both ends, so that every batch holds tasks of several kinds.
  while (alone.length > 0) batches.push([...alone.splice(0, batchSize / 2), ...alone.splice(-batchSize / 2)]);
  return batches.sort(
    (a, b) => a.length - b.length || (a[0]?.capability ?? "").localeCompare(b[0]?.capability ?? ""),
  );
}

/** Numbers from a seed, so that the moments of a failed test can be had again: SEED=… npx vitest run e2e/kill.test.ts */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Hands in a batch through however many kills: the client's own patience is shorter than a restart. */
async function submitPersistently(client: Client, batch: number, tasks: TaskSubmission[]): Promise<string[]> {
  const keyed = tasks.map((task, index) => ({ ...task, idempotencyKey: `batch ${batch}, task ${index}` }));
  const acknowledged = await eventually(`batch ${batch} is acknowledged`, () =>
    client.tasks.submit(keyed).catch((error) => {
      if (error.retryable) return undefined;
      throw error;
    }),
  );
  return acknowledged.map(({ id }) => id);
}

/** Every kept event, page by page. */
async function readEvents(client: Client): Promise<Event[]> {
  const events: Event[] = [];
  for (;;) {
    const { items } = await client.events.read({ after: events.at(-1)?.seq ?? 0, limit: 500 });
    if (items.length === 0) return events;
    events.push(...items);
  }
}

const endedBy = (sideFile: string): number =>
  readSideFile(sideFile).filter(([what]) => what === "end" || what === "journaled").length;

test("a server that is killed twice in the middle of 1,000 tasks loses and repeats nothing", {
  timeout: 180_000,
}, async () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  const random = randomFrom(seed);
  const dataDir = join(temporaryFolder(), "data");
  const sideFile = join(temporaryFolder(), "effects");
  const fresh = await startFreshServer(dataDir);
  const { client, apiKey } = fresh;
  let server: ServerProcess = fresh.server;
  const { url, port } = server;
  for (const _ of [1, 2])
    await startAgentProcess({ url, apiKey, name: "worker", sideFile, maxConcurrency: 10 });

  // Somebody watches all the time, and must see every end once.
  const watched: Event[] = [];
  const watching = new AbortController();
  const watcher = (async () => {
    const types = ["task.completed", "task.failed", "task.cancelled"] as const;
    for await (const event of client.events.follow({ after: 0, types, signal: watching.signal }))
      watched.push(event);
  })();

  const submitting = (async () => {
    const ids: string[] = [];
    for (const [index, batch] of createWork().entries())
      ids.push(...(await submitPersistently(client, index, batch)));
    return ids;
  })();

  // 700 lines of the side file are ends of tasks and of steps in all; the kills fall somewhere among them.
  for (const [from, to] of [
    [20, 300],
    [400, 800],
  ] as const) {
    const moment = Math.floor(from + random() * (to - from));
    await eventually(`line ${moment} of the side file`, () => endedBy(sideFile) >= moment);
    await server.end("SIGKILL");
    const before = endedBy(sideFile);
    const killedAt = performance.now();
    server = await startServer({ dataDir, port });
    const up = performance.now() - killedAt;
    const seen = watched.length;
    await eventually("work goes on", () => watched.length > seen);
    const first = performance.now() - killedAt;
    console.log(
      `killed at line ${before} (seed ${seed}): ready after ${Math.round(up)} ms, the next task ended after ${Math.round(first)} ms`,
    );
  }

  const ids = await submitting;
  await eventually("every task has ended", () => watched.length >= total, 120_000);
  watching.abort();
  await watcher;

  expect(new Set(ids).size).toBe(total);
  const events = await readEvents(client);
  const completed = new Map<string, number>();
  for (const { type, taskId, seq } of events) {
    if (type !== "task.completed" || taskId === null) continue;
    expect(completed.has(taskId), `task ${taskId} completed once`).toBe(false);
    completed.set(taskId, seq);
  }
  // Nothing was taken in twice, nothing was lost, nothing failed.
  expect([...completed.keys()].sort()).toEqual([...ids].sort());
  expect(events.filter(({ type }) => type === "task.submitted")).toHaveLength(total);
  expect(watched.map(({ seq }) => seq)).toEqual([...completed.values()]);

  const submitted = createWork().flat();
  const idOf = new Map(
    submitted.flatMap(({ ref }, index) => (ref === undefined ? [] : [[ref, ids[index]!] as const])),
  );
  const started = new Map<string, number>();
  for (const { type, taskId, seq } of events) {
    if (type === "task.started" && taskId !== null && !started.has(taskId)) started.set(taskId, seq);
  }
  const lines = readSideFile(sideFile);
  const firstLine = (what: string, id: string) =>
    lines.findIndex((line) => line[0] === what && line[1] === id);
  for (const [index, { dependsOn }] of submitted.entries()) {
    for (const ref of dependsOn ?? []) {
      const [id, earlier] = [ids[index]!, idOf.get(ref)!];
      expect(started.get(id), `task ${id} started after ${earlier}`).toBeGreaterThan(completed.get(earlier)!);
      // And the same by the agents' own word.
      expect(firstLine("begin", id)).toBeGreaterThan(firstLine("end", earlier));
    }
  }

  // A step that was journaled is not run again.
  const journaled = new Set<string>();
  const effects = new Set<string>();
  for (const [what, id, step] of lines) {
    if (what === "journaled") journaled.add(`${id}/${step}`);
    if (what !== "effect") continue;
    expect(journaled.has(`${id}/${step}`), `step ${step} of ${id} was run after it was journaled`).toBe(
      false,
    );
    effects.add(`${id}/${step}`);
  }
  expect(effects.size).toBe(stepped * 2);
  expect(journaled.size).toBe(stepped * 2);
  expect((await client.tasks.list({ status: "in_progress" })).items).toEqual([]);
});

test("the tasks of a killed agent are finished by another one", { timeout: 120_000 }, async () => {
  const sideFile = join(temporaryFolder(), "effects");
  const { server, client, apiKey } = await startFreshServer(join(temporaryFolder(), "data"));
  const options = { url: server.url, apiKey, name: "worker", sideFile, maxConcurrency: 5 };
  const doomed = await startAgentProcess(options);
  const submitted = await client.tasks.submit(
    Array.from({ length: 10 }, () => ({
      capability: "worker.steps",
      input: { steps: 20, pauseMs: 100 },
      retry: { delayMs: 1 },
    })),
  );
  await eventually("it is in the middle of its tasks", () => endedBy(sideFile) > 10);
  await doomed.end("SIGKILL");
  const atDeath = new Set(readSideFile(sideFile).map((line) => line.join(" ")));
  const killedAt = performance.now();
  const heir = await startAgentProcess(options);
  const tasks = await Promise.all(submitted.map(({ id }) => client.tasks.wait(id, { timeoutMs: 90_000 })));
  console.log(
    `the last task of the killed agent ended ${Math.round(performance.now() - killedAt)} ms after the kill`,
  );
  for (const { id, status, output, attempts } of tasks) {
    expect({ id, status, output }).toMatchObject({ status: "completed", output: { pid: heir.pid } });
    const begun = [...atDeath].some((line) => line.startsWith(`effect ${id} `));
    expect(attempts).toBe(begun ? 2 : 1);
  }
  const later = readSideFile(sideFile).slice(atDeath.size);
  for (const [what, id, step] of later) {
    if (what === "effect") expect(atDeath.has(`journaled ${id} ${step}`)).toBe(false);
  }
  expect(tasks.some(({ attempts }) => attempts === 2)).toBe(true);
});
