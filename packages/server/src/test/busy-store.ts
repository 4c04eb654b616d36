import type { TaskAssignment } from "@muster/sdk/protocol";
import { expect, vi } from "vitest";
import type { Database } from "../ports/database.ts";
import { orchestrate, root, someone } from "./orchestrate.ts";

/** What a busy store is asked for after it was moved. */
export interface BusyStore {
  /** Tasks by the state in which the store was left. */
  tasks: Record<
    "completed" | "failed" | "cancelled" | "held" | "waiting" | "ready" | "delayed" | "blocked",
    string
  >;
  runId: string;
  /** An admin's key. */
  key: string;
}

const patience = { timeout: 10_000 };
const awkward = {
  text: 'ä☃ "quoted" \\ \n {}, null',
  nothing: null,
  big: 9_007_199_254_740_991,
  small: 1e-9,
};

const remembered = { text: "wie man ☃ baut \\ 'so'", agent: "hand", metadata: { awkward } };

/**
 * Fills an empty database with work in every state, with a journal, a run under way, events and keys, and leaves it as
 * a crash would: one task in the hands of an agent, one waiting for a sub-task.
 */
export async function fillBusily(database: Database): Promise<BusyStore> {
  const muster = await orchestrate(database, { leaseMs: 60_000 });
  const { gateway, tasks, runs, keys } = muster.orchestrator;
  const key = (await keys.bootstrap()) as string;
  const leases = new Map<string, string>();
  const { agentId } = await gateway.register(
    { name: "hand", maxConcurrency: 20, capabilities: [{ name: "work" }] },
    root,
    (message) => {
      if (message.type !== "task_request") return;
      const { taskId, leaseToken } = message.payload as TaskAssignment;
      leases.set(taskId, leaseToken);
    },
  );
  await muster.orchestrator.memories.of(root).remember(remembered);
  const submit = async (...submissions: Parameters<typeof tasks.submit>[0][number][]) =>
    (await tasks.submit(submissions, someone)).map(({ id }) => id);
  const leaseOf = async (taskId: string) => {
    await vi.waitUntil(() => leases.has(taskId), patience);
    return { taskId, leaseToken: leases.get(taskId) as string };
  };
  const work = { capability: "work", input: awkward };
  const [completed, failed, held, waiting] = (await submit(work, work, work, work)) as [
    string,
    string,
    string,
    string,
  ];
  const [ready, cancelled, delayed] = (await submit(
    { capability: "nobody", input: awkward, idempotencyKey: "the ready one" },
    { capability: "nobody" },
    { capability: "work", delayMs: 3_600_000 },
  )) as [string, string, string];
  const [blocked] = (await submit({ capability: "work", dependsOn: [held], join: "settled" })) as [string];
  const { id: runId } = await runs.start(
    {
      workflow: {
        name: "two",
        steps: {
          one: { capability: "work" },
          two: { capability: "work", needs: "one", with: "${{ steps.one.output }}" },
        },
      },
    },
    someone,
  );
  const first = (await runs.get(runId, someone)).tasks[0]?.id as string;
  await gateway.request(agentId, "settle", {
    ...(await leaseOf(first)),
    outcome: { status: "completed", output: [1] },
  });
  await gateway.request(agentId, "settle", {
    ...(await leaseOf(completed)),
    outcome: { status: "completed", output: awkward },
  });
  const error = { code: "broken", message: "It broke.", retryable: false };
  await gateway.request(agentId, "settle", {
    ...(await leaseOf(failed)),
    outcome: { status: "failed", error },
  });
  await gateway.request(agentId, "journal", { ...(await leaseOf(held)), key: "half", value: awkward });
  const lease = await leaseOf(waiting);
  const below = { ...lease, key: "below", tasks: [{ capability: "work", input: "below" }] };
  const { taskIds } = await gateway.request(agentId, "delegate", below);
  await gateway.request(agentId, "wait", { ...lease, taskIds, mode: "all" });
  await tasks.cancel(cancelled, someone);
  await vi.waitUntil(async () => (await runs.get(runId, someone)).tasks.length === 2, patience);
  await muster.stop();
  // The lease of the task in hand runs out while the store is moved.
  await database.execute("update task set lease_until = 0 where status = 'in_progress'");
  return { tasks: { completed, failed, cancelled, held, waiting, ready, delayed, blocked }, runId, key };
}

/** Goes on with a busy store where it was left, on whatever database it is now, and finishes what can be finished. */
export async function finishBusyStore(database: Database, store: BusyStore): Promise<void> {
  const muster = await orchestrate(database, { leaseMs: 2_000 });
  const { tasks, runs, keys, events } = muster.orchestrator;
  expect(await keys.bootstrap()).toBeNull();
  expect(await keys.authenticate(store.key)).toMatchObject({ role: "admin" });
  const journals: unknown[] = [];
  const told = await events.latest();
  await muster.agent({
    name: "heir",
    maxConcurrency: 5,
    capabilities: [
      {
        name: "work",
        handler: async (ctx) => {
          if (ctx.taskId === store.tasks.waiting) return ctx.delegate("work", "below", { key: "below" });
          journals.push(await ctx.step("half", () => "anew"));
          return ctx.input ?? "done";
        },
      },
      { name: "nobody", handler: (ctx) => ctx.input },
    ],
  });
  const ended = async (id: string) => (await tasks.wait(id, 20_000, someone)).status;
  for (const name of ["held", "waiting", "blocked", "ready"] as const)
    expect([name, await ended(store.tasks[name])]).toEqual([name, "completed"]);
  expect(await tasks.get(store.tasks.ready, someone)).toMatchObject({ input: awkward, output: awkward });
  expect(await tasks.get(store.tasks.completed, someone)).toMatchObject({
    status: "completed",
    output: awkward,
  });
  expect((await tasks.get(store.tasks.failed, someone)).status).toBe("failed");
  expect((await tasks.get(store.tasks.cancelled, someone)).status).toBe("cancelled");
  expect((await tasks.get(store.tasks.delayed, someone)).status).toBe("ready");
  expect((await runs.wait(store.runId, 20_000, someone)).status).toBe("completed");
  expect(journals).toContainEqual(awkward);
  const again = { capability: "nobody", idempotencyKey: "the ready one" };
  expect(await tasks.submit([again], someone)).toMatchObject([{ id: store.tasks.ready, duplicate: true }]);
  const known = await muster.orchestrator.memories.of(root).recall({ query: "baut", agent: "hand" });
  expect(known.items).toMatchObject([{ memory: remembered }]);
  // Numbers of events go on where they were, so whoever reads along misses none.
  const seqs = (await events.read(told, {}, root)).map(({ seq }) => seq);
  expect(seqs.length).toBeGreaterThan(5);
  expect(seqs[0]).toBeGreaterThan(told);
  await muster.stop();
}
