import { join } from "node:path";
import type { Client, Event, TaskSubmission } from "@muster/sdk";
import { afterEach, expect, test } from "vitest";
import { testSeed } from "../packages/server/src/test/test-seed.ts";
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

/** A thousand tasks: some alone, some in chains, some with journaled steps. A chain is in one batch. */
function createWork(): TaskSubmission[][] {
  const retry = { delayMs: 100 };
  const chained = Array.from({ length: chains * chainLength }, (_, index): TaskSubmission => {
    const task = { ref: `link ${index}`, capability: "worker.slow", input: { ms: 10 }, retry };
    return index % chainLength === 0 ? task : { ...task, dependsOn: [`link ${index - 1}`] };
  });
  const echo = { capability: "worker.echo", input: { text: "hello" }, retry };
  const steps = { capability: "worker.steps", input: { steps: 2, pauseMs: 20 }, retry };
  const alone = Array.from({ length: independent + stepped }, (_, index) => (index % 2 === 0 ? echo : steps));
  const batches: TaskSubmission[][] = [];
  while (chained.length + alone.length > 0) {
    for (const kind of [alone, chained]) if (kind.length > 0) batches.push(kind.splice(0, batchSize));
  }
  return batches;
}

/** Numbers from a seed (mulberry32), so that the moments of a failed test can be had again, with MUSTER_TEST_SEED. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Hands everything in through however many kills: the client's own patience is shorter than a restart. */
function submitAll(client: Client): Promise<string[]> {
  const submit = (batch: number, tasks: TaskSubmission[]) => {
    const keyed = tasks.map((task, index) => ({ ...task, idempotencyKey: `batch ${batch}, task ${index}` }));
    return eventually(`batch ${batch} is acknowledged`, () =>
      client.tasks.submit(keyed).catch((error) => {
        if (error.retryable) return undefined;
        throw error;
      }),
    );
  };
  const submitting = (async () => {
    const ids: string[] = [];
    for (const [index, batch] of createWork().entries()) {
      for (const { id } of await submit(index, batch)) ids.push(id);
    }
    return ids;
  })();
  // Where it fails, the test hears of it when it waits for it.
  submitting.catch(() => undefined);
  return submitting;
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

/** Watches the ends of tasks through all kills; the stream must show every one once. */
function watchEnds(client: Client) {
  const seen: Event[] = [];
  const stopping = new AbortController();
  const types = ["task.completed", "task.failed", "task.cancelled"] as const;
  const watching = (async () => {
    for await (const event of client.events.follow({ after: 0, types, signal: stopping.signal }))
      seen.push(event);
  })();
  return {
    seen,
    async stop() {
      stopping.abort();
      await watching;
    },
  };
}

/** One `task.completed` for every acknowledged task, and nothing else that was taken in or ended. */
function expectEachOnce(ids: string[], events: Event[], watched: Event[]): void {
  const completions = events.filter(({ type }) => type === "task.completed");
  expect(new Set(ids).size).toBe(total);
  expect(completions.map(({ taskId }) => taskId).sort()).toEqual([...ids].sort());
  expect(events.filter(({ type }) => type === "task.submitted")).toHaveLength(total);
  expect(watched.map(({ seq }) => seq)).toEqual(completions.map(({ seq }) => seq));
}

/** No dependent started early, by the word of the events and by that of the agents. */
function expectOrder(ids: string[], events: Event[], lines: string[][]): void {
  const first = (type: string, id: string) =>
    events.find((event) => event.type === type && event.taskId === id)!.seq;
  const firstLine = (what: string, id: string) =>
    lines.findIndex((line) => line[0] === what && line[1] === id);
  const work = createWork().flat();
  const idOf = new Map(work.map(({ ref }, index) => [ref, ids[index]!]));
  for (const { ref, dependsOn = [] } of work) {
    for (const earlier of dependsOn) {
      const [before, after] = [idOf.get(earlier)!, idOf.get(ref)!];
      expect(first("task.started", after)).toBeGreaterThan(first("task.completed", before));
      expect(firstLine("begin", after)).toBeGreaterThan(firstLine("end", before));
    }
  }
}

/** A step that was journaled is not run again. One that a kill cut off before its entry may have been. */
function expectStepsOnce(lines: string[][]): void {
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
}

test("a server that is killed twice in the middle of 1,000 tasks loses and repeats nothing", {
  timeout: 240_000,
}, async () => {
  const seed = testSeed();
  const random = randomFrom(seed);
  const dataDir = join(temporaryFolder(), "data");
  const sideFile = join(temporaryFolder(), "effects");
  const { client, apiKey, ...fresh } = await startFreshServer(dataDir);
  let server: ServerProcess = fresh.server;
  const { url, port } = server;
  const startWorker = () => startAgentProcess({ url, apiKey, name: "worker", sideFile, maxConcurrency: 10 });
  const [doomed] = await Promise.all([startWorker(), startWorker()]);
  const watch = watchEnds(client);
  const submitting = submitAll(client);

  /** Kills the server at a random moment, and starts it again on the same folder and port. */
  const killServer = async (from: number, to: number, alongside: () => Promise<unknown>) => {
    const moment = Math.floor(from + random() * (to - from));
    await eventually(`line ${moment} of the side file`, () => endedBy(sideFile) >= moment);
    await Promise.all([server.end("SIGKILL"), alongside()]);
    const killedAt = Date.now();
    server = await startServer({ dataDir, port });
    const ready = Date.now() - killedAt;
    const next = await eventually("work goes on", () =>
      watch.seen.find(({ at }) => Date.parse(at) > killedAt),
    );
    const after = Date.parse(next.at) - killedAt;
    console.log(
      `seed ${seed}, killed at line ${moment}: ready after ${ready} ms, work went on after ${after} ms`,
    );
  };
  // The side file gets 1,000 such lines in all; the kills fall somewhere among them. One takes an agent along.
  await killServer(20, 300, () => doomed.end("SIGKILL"));
  await startWorker();
  await killServer(400, 700, async () => undefined);

  const ids = await submitting;
  await eventually("every task has ended", () => watch.seen.length >= total, 120_000);
  await watch.stop();
  const events = await readEvents(client);
  const lines = readSideFile(sideFile);
  expectEachOnce(ids, events, watch.seen);
  expectOrder(ids, events, lines);
  expectStepsOnce(lines);
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
