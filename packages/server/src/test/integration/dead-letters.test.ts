import { AttemptError } from "@muster/sdk";
import { afterEach, expect, it } from "vitest";
import { createInMemoryBlobs } from "../../adapters/blob-store/in-memory/create-in-memory-blobs.ts";
import type { Principal } from "../../core/orchestrator.ts";
import { createPrune } from "../../core/upkeep/prune.ts";
import { root, silentLog, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

/** However often an agent fails, it gets more work: these tests are about tasks. */
const at = useOrchestrator({ policy: { minHealthScore: 0, maxLoadRatio: 1 }, breaker: { failures: 10_000 } });
const stranger: Principal = { tenant: "stranger", role: "client", name: "stranger" };
const once = { maxAttempts: 1 };
let mended = false;
afterEach(() => {
  mended = false;
});

/** An agent whose `work` fails until it is mended, and whose `parent` hands it on. */
const worker = () =>
  at.muster.agent({
    name: "worker",
    maxConcurrency: 10,
    capabilities: [
      {
        name: "work",
        handler: () => {
          if (mended) return { done: true };
          throw new AttemptError("It broke.", { code: "broken" });
        },
      },
      { name: "parent", handler: (ctx) => ctx.delegate("work", {}, { retry: once }) },
      {
        name: "liar",
        handler: () => {
          throw Object.assign(new Error("It was somebody else."), { taskId: crypto.randomUUID() });
        },
      },
    ],
  });

const dead = (filter = {}, as: Principal = someone) => at.muster.orchestrator.deadLetters.list(filter, as);
const idsOf = async (filter = {}, as?: Principal) =>
  (await dead(filter, as)).items.map((letter) => letter.taskId);

async function typesOf(taskId: string): Promise<string[]> {
  const events = await at.muster.orchestrator.events.read(0, { taskId }, root);
  return events.map(({ type }) => type);
}

it("what fails by itself is a dead letter, and what fails because of it is none", async () => {
  await worker();
  const { tasks } = at.muster.orchestrator;
  const [first, second] = await tasks.submit(
    [
      { ref: "a", capability: "work", retry: { maxAttempts: 2, delayMs: 1 } },
      { capability: "work", dependsOn: ["a"] },
    ],
    someone,
  );
  expect((await tasks.wait(second?.id as string, 10_000, someone)).status).toBe("failed");
  const [cancelled] = await tasks.submit([{ capability: "nobody" }], someone);
  await tasks.cancel(cancelled?.id as string, someone);
  const { items } = await dead();
  expect(items).toMatchObject([
    {
      taskId: first?.id,
      capability: "work",
      attempts: 2,
      agents: ["worker"],
      error: { code: "broken", message: "It broke." },
    },
  ]);
  expect((await typesOf(first?.id as string)).slice(-2)).toEqual(["task.failed", "task.dead"]);
  expect(await idsOf({}, stranger)).toEqual([]);
});

it("an agent can't keep its failure off the list by naming a cause that is none", async () => {
  await worker();
  const [task] = await at.muster.finish({ capability: "liar", retry: once });
  expect(await idsOf()).toEqual([task?.id]);
});

it("filters by capability, code and age, page by page", async () => {
  await worker();
  await at.muster.finish(...Array.from({ length: 5 }, () => ({ capability: "work", retry: once })));
  const all = await idsOf();
  expect(all).toHaveLength(5);
  expect(await idsOf({ capability: "other" })).toEqual([]);
  expect(await idsOf({ code: "broken", newerThanMs: 60_000 })).toEqual(all);
  expect(await idsOf({ olderThanMs: 60_000 })).toEqual([]);
  const page = await dead({ limit: 2 });
  const rest = await dead({ limit: 3, before: page.next as string });
  expect([...page.items, ...rest.items].map((letter) => letter.taskId)).toEqual(all);
  expect(rest.next).toBeNull();
  await expect(dead({ before: "nonsense" })).rejects.toMatchObject({ code: "invalid_request" });
  await expect(dead({ kapability: "work" })).rejects.toMatchObject({ code: "invalid_request" });
});

it("retries those of a filter and drops others, and never another tenant's", async () => {
  await worker();
  const [one, two] = await at.muster.finish(
    { capability: "work", retry: once },
    { capability: "liar", retry: once },
  );
  const { deadLetters, tasks } = at.muster.orchestrator;
  await expect(deadLetters.retry({}, someone)).rejects.toMatchObject({ code: "invalid_request" });
  const strangers = await deadLetters.retry({ ids: [one?.id as string] }, stranger);
  expect(strangers).toMatchObject({ done: [], skipped: [{ taskId: one?.id }] });
  mended = true;
  expect(await deadLetters.retry({ capability: "work" }, someone)).toMatchObject({
    done: [one?.id],
    next: null,
  });
  expect((await tasks.wait(one?.id as string, 10_000, someone)).status).toBe("completed");
  expect(await deadLetters.drop({ all: true }, someone)).toMatchObject({ done: [two?.id] });
  expect(await idsOf()).toEqual([]);
  expect((await tasks.get(two?.id as string, someone)).status).toBe("failed");
  expect(await typesOf(two?.id as string)).toContain("task.dropped");
});

it("a sub-task is retried with the parent that failed because of it", async () => {
  await worker();
  const [parent] = await at.muster.finish({ capability: "parent", retry: once });
  expect(parent?.status).toBe("failed");
  const [child] = await idsOf();
  expect(child).toBe(parent?.error?.taskId);
  mended = true;
  expect(await at.muster.orchestrator.deadLetters.retry({ all: true }, someone)).toMatchObject({
    done: [child],
  });
  expect((await at.muster.orchestrator.tasks.wait(parent?.id as string, 10_000, someone)).output).toEqual({
    done: true,
  });
});

it("a dead letter of a run that failed brings the run back", async () => {
  await worker();
  const { runs, deadLetters } = at.muster.orchestrator;
  const steps = {
    first: { capability: "work", retry: 1 },
    second: { capability: "work", needs: "first" },
  };
  const { id } = await runs.start({ workflow: { name: "demo", steps } }, someone);
  expect((await runs.wait(id, 10_000, someone)).status).toBe("failed");
  expect(await idsOf({ runId: id })).toHaveLength(1);
  mended = true;
  expect(await deadLetters.retry({ runId: id }, someone)).toMatchObject({ runs: [id], skipped: [] });
  expect((await runs.wait(id, 10_000, someone)).status).toBe("completed");
  expect(await idsOf()).toEqual([]);
});

it("retention leaves dead letters until they are old, dropped or retried", async () => {
  await worker();
  await at.muster.finish({ capability: "work", retry: once }, { capability: "liar", retry: once });
  const [kept, dropped] = await idsOf();
  await at.muster.orchestrator.deadLetters.drop({ ids: [dropped as string] }, someone);
  const prune = createPrune({
    blobs: createInMemoryBlobs(),
    database: at.database,
    log: silentLog,
    retentionMs: 0,
    deadRetentionMs: 3_600_000,
  });
  await prune(Date.now() + 60_000, Date.now() + 60_000);
  expect((await at.muster.orchestrator.tasks.list({}, root)).items.map((task) => task.id)).toEqual([kept]);
  await prune(Date.now() + 7_200_000, Date.now() + 7_200_000);
  expect((await at.muster.orchestrator.tasks.list({}, root)).items).toEqual([]);
});
