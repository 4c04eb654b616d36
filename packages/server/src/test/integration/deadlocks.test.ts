import type { TaskContext } from "@muster/sdk";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { DeadlockPolicy } from "../../core/deadlocks/wait-graph.ts";
import type { Database } from "../../ports/database.ts";
import {
  emptyDatabase,
  freshDatabase,
  orchestrate,
  root,
  someone,
  type TestOrchestrator,
} from "../orchestrate.ts";

let database: Database;
let muster: TestOrchestrator;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
afterEach(() => muster.stop());

async function begin(deadlocks: DeadlockPolicy = "fail-youngest"): Promise<void> {
  await emptyDatabase(database);
  muster = await orchestrate(database, { deadlocks });
}

const once = { retry: { maxAttempts: 1 } };
const eventsOf = async (type: string) =>
  (await muster.orchestrator.events.read(0, {}, root)).filter((event) => event.type === type);

/** Takes one lock, waits until the other has taken the other one, and takes that. */
async function crossLocks(): Promise<void> {
  let inside = 0;
  let bothIn = () => {};
  const both = new Promise<void>((resolve) => {
    bothIn = resolve;
  });
  await muster.agent({
    name: "crosser",
    maxConcurrency: 2,
    capabilities: [
      {
        name: "cross",
        handler: ({ lock, input, attempt }: TaskContext<{ first: string; second: string }>) =>
          lock(input.first, { waitMs: 20_000 }, async () => {
            if (attempt === 1 && ++inside === 2) bothIn();
            await both;
            return lock(input.second, { waitMs: 20_000 }, () => attempt);
          }),
      },
    ],
  });
}

describe("locks taken crosswise", () => {
  const tasks = [
    { capability: "cross", input: { first: "a", second: "b" }, retry: { maxAttempts: 2, delayMs: 1 } },
    { capability: "cross", input: { first: "b", second: "a" }, retry: { maxAttempts: 2, delayMs: 1 } },
  ];

  it("let the youngest begin again, told why, and both complete", async () => {
    await begin();
    await crossLocks();
    const done = await muster.finish(...tasks);
    expect(done.map((task) => task.status)).toEqual(["completed", "completed"]);
    expect(done.map((task) => task.attempts)).toEqual([1, 2]);
    expect(done[1]?.failedAttempts[0]?.error).toMatchObject({ code: "deadlock" });
    const [broken] = await eventsOf("deadlock.broken");
    expect(broken?.taskId).toBe(done[1]?.id);
    expect(String(broken?.data.path)).toContain(`waits for lock a, held by task ${done[0]?.id}`);
  });

  it("are only reported where that is the policy", async () => {
    await begin("report");
    await crossLocks();
    const submitted = await muster.orchestrator.tasks.submit(tasks, someone);
    await expect.poll(async () => (await eventsOf("deadlock.found")).length).toBe(1);
    expect(await eventsOf("deadlock.broken")).toEqual([]);
    for (const { id } of submitted) await muster.orchestrator.tasks.cancel(id, someone);
  });
});

describe("a circle through sub-tasks", () => {
  /** `parent` hands on a task that needs `needed`, which itself depends on the parent. */
  async function circle(): Promise<string[]> {
    let go: (id: string) => void = () => {};
    const needed = new Promise<string>((resolve) => {
      go = resolve;
    });
    await muster.agent({
      name: "circular",
      maxConcurrency: 4,
      capabilities: [
        { name: "leaf", handler: () => "done" },
        {
          name: "parent",
          handler: async (context) => context.delegate("leaf", {}, { dependsOn: [await needed], ...once }),
        },
      ],
    });
    const { tasks } = muster.orchestrator;
    const [parent] = await tasks.submit([{ capability: "parent", ...once }], someone);
    const dependsOn = [parent?.id as string];
    const [middle] = await tasks.submit(
      [{ capability: "leaf", dependsOn, join: "settled", ...once }],
      someone,
    );
    go(middle?.id as string);
    return [parent?.id as string, middle?.id as string];
  }

  it("is found when it closes, named with its path, and its youngest fails", async () => {
    await begin();
    const ids = await circle();
    const done = await Promise.all(ids.map((id) => muster.orchestrator.tasks.wait(id, 10_000, someone)));
    expect(done[0]).toMatchObject({ status: "failed", error: { code: "deadlock" } });
    expect(done[1]?.status).toBe("completed");
    const [broken] = await eventsOf("deadlock.broken");
    expect(String(broken?.data.path)).toContain(`task ${ids[0]} waits for its sub-task`);
    expect(broken?.data.tasks).toHaveLength(3);
  });
});

it("work inherits the priority of whoever waits for it", async () => {
  await begin();
  const { tasks } = muster.orchestrator;
  const [low] = await tasks.submit([{ capability: "slow", priority: "background" }], someone);
  const [high] = await tasks.submit(
    [{ capability: "slow", priority: "critical", dependsOn: [low?.id as string] }],
    someone,
  );
  await expect.poll(async () => (await tasks.get(low?.id as string, someone)).priority).toBe("critical");
  expect((await tasks.get(high?.id as string, someone)).status).toBe("blocked");
  expect(await eventsOf("task.raised")).toHaveLength(1);
});

it("an agent whose every slot waits for sub-tasks does them itself", async () => {
  await begin();
  await muster.agent({
    name: "only",
    capabilities: [
      {
        name: "down",
        handler: ({ input, delegate }) =>
          (input as number) > 0 ? delegate("down", (input as number) - 1) : "ground",
      },
    ],
  });
  const [done] = await muster.finish({ capability: "down", input: 5 });
  expect(done).toMatchObject({ status: "completed", output: "ground" });
});

describe("an agent all of whose slots wait for a lock whose holder needs one of them", () => {
  /** `holder` takes the lock and hands on `leaf`; `line` fills the slots with those who want the lock. */
  async function fill(more: { maxConcurrency: number } = { maxConcurrency: 1 }) {
    let lineIsFull = () => {};
    const full = new Promise<void>((resolve) => {
      lineIsFull = resolve;
    });
    await begin();
    await muster.agent({
      name: "narrow",
      ...more,
      capabilities: [
        { name: "leaf", handler: () => "done" },
        { name: "line", handler: ({ lock }) => lock("door", { waitMs: 60_000 }, () => "in") },
      ],
    });
    await muster.agent({
      name: "holder",
      capabilities: [
        {
          name: "hold",
          handler: ({ lock, delegate }) =>
            lock("door", { ttlMs: 60_000 }, async () => {
              await full;
              return delegate("leaf", {}, once);
            }),
        },
      ],
    });
    const { tasks, locks } = muster.orchestrator;
    const [holder] = await tasks.submit([{ capability: "hold", ...once }], someone);
    const seen = () =>
      locks.get("door", someone).then(
        (lock) => lock.taskId,
        () => null,
      );
    await expect.poll(seen, { timeout: 15_000 }).toBe(holder?.id);
    const line = await tasks.submit(
      Array.from({ length: more.maxConcurrency }, () => ({ capability: "line", ...once })),
      someone,
    );
    const waiting = async () => (await locks.get("door", someone)).waiting;
    await expect.poll(waiting, { timeout: 15_000 }).toBe(more.maxConcurrency);
    expect(await tasks.deadlocks(someone)).toEqual([]);
    lineIsFull();
    return { holder: holder?.id as string, line: line.map(({ id }) => id) };
  }

  it.each([1, 3])(
    "is named, with the lock, its holder and what that waits for, of %i slots",
    async (maxConcurrency) => {
      const { holder, line } = await fill({ maxConcurrency });
      const { tasks } = muster.orchestrator;
      const found = () => tasks.deadlocks(someone);
      await expect.poll(async () => (await found()).length, { timeout: 15_000 }).toBe(1);
      const [stuck] = await found();
      expect(stuck).toMatchObject({ kind: "slots", taskIds: expect.arrayContaining([holder, ...line]) });
      expect(stuck?.taskIds).toHaveLength(2 + maxConcurrency);
      const leaf = stuck?.taskIds[0] as string;
      expect(stuck?.reason).toContain(`for lock door, held by task ${holder}, which waits for task ${leaf}`);
      expect((await tasks.explain(leaf, someone)).reasons).toContain(stuck?.reason);
      // Somebody else's tasks are none of one's own.
      expect(await tasks.deadlocks({ ...someone, tenant: "other" })).toEqual([]);
      // It ends when one of those in line gives up.
      await tasks.cancel(line[0] as string, someone);
      expect((await tasks.wait(holder, 15_000, someone)).status).toBe("completed");
      expect(await found()).toEqual([]);
    },
  );

  it("is none while another agent can do what is waited for", async () => {
    const { holder } = await fill();
    await muster.agent({ name: "wide", capabilities: [{ name: "leaf", handler: () => "done" }] });
    expect((await muster.orchestrator.tasks.wait(holder, 15_000, someone)).status).toBe("completed");
    expect(await muster.orchestrator.tasks.deadlocks(someone)).toEqual([]);
  });
});
