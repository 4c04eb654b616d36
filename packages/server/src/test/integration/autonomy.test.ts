import { limits } from "@muster/sdk/protocol";
import { describe, expect, it } from "vitest";
import { createInMemoryBlobs } from "../../adapters/blob-store/in-memory/create-in-memory-blobs.ts";
import { createCountAutonomy } from "../../core/people/count-autonomy.ts";
import { countAutonomyDays } from "../../core/queue/statements/autonomy.ts";
import { createPrune } from "../../core/upkeep/prune.ts";
import type { Database } from "../../ports/database.ts";
import { root, silentLog, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator();
const dayMs = 86_400_000;

/** Another one who counts, beside the upkeep of the orchestrator. */
const counter = (database: Database = at.database) =>
  createCountAutonomy({
    database,
    clock: at.muster.ports.clock,
    log: silentLog,
    latest: at.muster.orchestrator.events.latest,
  });

/** Counts until there is nothing left to count, whoever does it. */
async function counted(): Promise<void> {
  const one = counter();
  await expect.poll(() => one.pass()).toBe(true);
}

const history = (filter: Parameters<typeof at.muster.orchestrator.inbox.history>[0] = {}, as = root) =>
  at.muster.orchestrator.inbox.history(filter, as);

/** An agent that does `work` alone, fails at `fail`, asks in `ask`, and has `hand_on` done by one that asks. */
const worker = () =>
  at.muster.agent({
    name: "worker",
    maxConcurrency: 4,
    capabilities: [
      { name: "work", handler: () => "done" },
      {
        name: "fail",
        handler: () => {
          throw new Error("no");
        },
      },
      { name: "ask", handler: (task) => task.ask("Which?") },
      { name: "hand_on", handler: (task) => task.delegate("ask", {}) },
      { name: "team", handler: (task) => task.delegate("work", {}) },
    ],
  });

/** Answers whatever is asked, until it was so many. */
async function answerAll(count: number): Promise<void> {
  const { inbox } = at.muster.orchestrator;
  let answered = 0;
  const answerWhatWaits = async () => {
    for (const { taskId, kind } of (await inbox.list({}, root)).items) {
      await inbox.answer(taskId, { answer: kind === "approval" ? { approved: true } : "this" }, root);
      answered += 1;
    }
    return answered;
  };
  await expect.poll(answerWhatWaits, { timeout: 15_000 }).toBe(count);
}

describe("the share of tasks that were finished without a person, kept by day", () => {
  it("counts whom nobody helped apart from those whom a person did, helped below, or approved", async () => {
    const { orchestrator, finish } = at.muster;
    await worker();
    await orchestrator.people.put({ name: "anna", capabilities: [{ name: "sign" }] }, root);
    const steps = { plain: { capability: "work" }, gated: { capability: "work", approve: true } };
    const run = await orchestrator.runs.start({ workflow: { name: "flow", steps } }, someone);
    const once = { maxAttempts: 1 };
    const done = finish(
      { capability: "work" },
      { agent: "worker", capability: "work" },
      { capability: "team" },
      { capability: "fail", retry: once },
      { capability: "ask" },
      { capability: "hand_on" },
      { capability: "sign" },
    );
    await answerAll(4);
    await done;
    await orchestrator.runs.wait(run.id, 15_000, root);
    await counted();
    const { items, finished, withPeople } = await history({ by: "capability" });
    const of = (capability: string, all: number, helped: number) => ({
      ...{ day: null, capability, finished: all, withPeople: helped, share: (all - helped) / all },
    });
    // Of `work` there are two tasks, one of a team, and two steps, one of which a person approved.
    expect(items).toEqual([
      of("work", 5, 1),
      of("ask", 2, 2),
      of("hand_on", 1, 1),
      of("sign", 1, 1),
      of("team", 1, 0),
    ]);
    expect({ finished, withPeople }).toEqual({ finished: 10, withPeople: 5 });
    expect(await orchestrator.inbox.share(60_000, root)).toMatchObject({ finished: 10, withPeople: 5 });
    const today = new Date().toISOString().slice(0, 10);
    expect(await history({ days: 2, capability: "work" })).toMatchObject({
      items: [{ day: expect.any(String), capability: null, finished: 5, withPeople: 1, share: 0.8 }],
      finished: 5,
    });
    expect((await history()).to >= today).toBe(true);
  });

  it("counts each once, whoever counts at once and whatever answer is lost", async () => {
    await worker();
    await at.muster.finish(...Array.from({ length: 40 }, () => ({ capability: "work" })));
    let lost = 0;
    const losing: Database = {
      ...at.database,
      async query(statement, parameters) {
        if (statement.name !== countAutonomyDays.name) return at.database.query(statement, parameters);
        if (lost++ === 0) throw new Error("It never got there.");
        await at.database.query(statement, parameters);
        throw new Error("Its answer was lost.");
      },
    };
    await Promise.all(
      [counter(losing), counter(losing), counter(), counter()].map((one) => one.pass().catch(() => false)),
    );
    await counted();
    expect(lost).toBeGreaterThan(0);
    expect(await history()).toMatchObject({ finished: 40, withPeople: 0, share: 1 });
    await counted();
    expect(await history()).toMatchObject({ finished: 40 });
  });

  it("is kept when the tasks are not, and no task is removed that was not counted", async () => {
    await worker();
    const prune = createPrune({
      blobs: createInMemoryBlobs(),
      database: at.database,
      log: silentLog,
      retentionMs: 0,
    });
    const before = Date.now() - 60_000;
    await at.muster.finish({ capability: "work" }, { capability: "work" });
    const later = Date.now() + 60_000;
    const tasks = async () => (await at.muster.orchestrator.tasks.list({}, root)).items.length;
    await prune(later, before);
    expect(await tasks()).toBe(2);
    await counted();
    await prune(later, later);
    expect(await tasks()).toBe(0);
    expect(await history()).toMatchObject({ finished: 2, share: 1 });
    await prune(later + (limits.autonomyDays - 1) * dayMs, later);
    expect(await history()).toMatchObject({ finished: 2 });
    await prune(later + (limits.autonomyDays + 1) * dayMs, later);
    expect(await history()).toEqual({
      ...{ from: expect.any(String), to: expect.any(String) },
      ...{ finished: 0, withPeople: 0, share: null, items: [] },
    });
  });

  it("has room for so many capabilities a day, and counts the others together", async () => {
    await worker();
    const first = limits.autonomyCapabilities - 1;
    await at.database.execute(
      `insert into autonomy_day (day, tenant, capability, finished, with_people)
       select ${Math.floor(Date.now() / dayMs)}, 'default', 'c' || n, 1, 0 from generate_series(1, ${first}) n`,
    );
    // The one with more tasks gets the last place.
    await at.muster.finish({ capability: "work" }, { capability: "work" }, { capability: "team" });
    await counted();
    await at.muster.finish({ capability: "work" }, { capability: "team" });
    await counted();
    const { items } = await history({ by: "capability" });
    const of = (name: string) => items.find(({ capability }) => capability === name)?.finished;
    expect([of("work"), of("team"), of("*"), of("c1")]).toEqual([5, undefined, 2, 1]);
    expect(items).toHaveLength(limits.autonomyCapabilities + 1);
  });

  it("shows each tenant its own", async () => {
    await worker();
    const { tasks } = at.muster.orchestrator;
    const acme = { ...someone, tenant: "acme" };
    const [task] = await tasks.submit([{ capability: "work" }], acme);
    await at.muster.finish({ capability: "work" }, { capability: "work" });
    await tasks.wait(task?.id as string, 15_000, acme);
    await counted();
    expect(await history({}, acme)).toMatchObject({ finished: 1 });
    expect(await history({}, someone)).toMatchObject({ finished: 2 });
    expect(await history({}, root)).toMatchObject({ finished: 3 });
  });

  it("refuses days that are not kept", async () => {
    await expect(history({ days: limits.autonomyDays + 1 })).rejects.toMatchObject({
      code: "invalid_request",
    });
  });
});
