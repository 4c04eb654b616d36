import type { Event } from "@muster/sdk";
import { describe, expect, it } from "vitest";
import { root, someone } from "../orchestrate.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

const at = useOrchestrator();

/** An agent with one slot that keeps the order in which it was given work, and works when it is told to. */
async function worker(name: string, more: object = {}) {
  const seen: string[] = [];
  const waiting: (() => void)[] = [];
  const agent = await at.muster.agent({
    name,
    maxConcurrency: 1,
    capabilities: [
      {
        name: "link",
        handler: async ({ input }) => {
          seen.push((input as { name: string }).name);
          await new Promise<void>((resolve) => waiting.push(resolve));
          return {};
        },
      },
    ],
    ...more,
  });
  const next = async () => {
    await expect.poll(() => waiting.length).toBe(1);
    waiting.shift()?.();
  };
  return { agent, seen, next };
}

const link = (name: string, ...dependsOn: string[]) => ({
  ref: name,
  capability: "link",
  input: { name },
  dependsOn,
});

/** How many claims and completions the database was asked for. */
function countStatements() {
  const counts: Record<string, number> = {};
  const { database } = at.muster.ports;
  const query = database.query.bind(database);
  database.query = (statement, parameters) => {
    counts[statement.name] = (counts[statement.name] ?? 0) + 1;
    return query(statement, parameters);
  };
  return counts;
}

describe("hand-off", () => {
  it("leases the next link of a chain with the result of the last, without another claim", async () => {
    const { seen, next } = await worker("one");
    const counts = countStatements();
    const submitted = await at.muster.orchestrator.tasks.submit(
      [link("a"), link("b", "a"), link("c", "b")],
      someone,
    );
    for (let n = 0; n < 3; n++) await next();
    const done = await Promise.all(
      submitted.map(({ id }) => at.muster.orchestrator.tasks.wait(id, 10_000, someone)),
    );
    expect(done.map(({ status, attempts }) => [status, attempts])).toEqual(Array(3).fill(["completed", 1]));
    expect(seen).toEqual(["a", "b", "c"]);
    expect([counts.claim, counts.complete_one, counts.complete]).toEqual([1, 3, undefined]);
    expect(await at.muster.ports.registry.reserved()).toEqual([]);
  });

  it("tells of each task what a claim would have told", async () => {
    const { next } = await worker("one");
    const [, b] = await at.muster.orchestrator.tasks.submit([link("a"), link("b", "a")], someone);
    await next();
    await next();
    await at.muster.orchestrator.tasks.wait(b?.id as string, 10_000, someone);
    const events = await at.muster.orchestrator.events.read(0, { taskId: b?.id as string }, root);
    expect(events.map(({ type }: Event) => type)).toEqual([
      "task.submitted",
      "task.ready",
      "task.started",
      "task.completed",
    ]);
    expect(events[2]).toMatchObject({ agentId: expect.any(String), data: { agent: "one", attempt: 1 } });
  });

  it("does not pass by a task that was ready before", async () => {
    const { seen, next } = await worker("one");
    await at.muster.orchestrator.tasks.submit([link("a"), link("b", "a")], someone);
    await expect.poll(() => seen).toEqual(["a"]);
    await at.muster.orchestrator.tasks.submit([{ ...link("urgent"), priority: "high" }], someone);
    for (let n = 0; n < 3; n++) await next();
    expect(seen).toEqual(["a", "urgent", "b"]);
  });

  it("gives nothing more to an agent that was put into maintenance", async () => {
    const one = await worker("one");
    await at.muster.orchestrator.tasks.submit([link("a"), link("b", "a")], someone);
    await expect.poll(() => one.seen).toEqual(["a"]);
    await at.muster.orchestrator.agents.setStatus(one.agent.id as string, "maintenance", root);
    await one.next();
    const two = await worker("two");
    await two.next();
    expect([one.seen, two.seen]).toEqual([["a"], ["b"]]);
  });

  it("gives each slot that several results free to one dependent, and the others go the usual way", async () => {
    const one = await worker("one");
    const two = await worker("two");
    const fan = ["d", "e", "f", "g"].map((name) => link(name, "a", "b"));
    const tasks = await at.muster.orchestrator.tasks.submit([link("a"), link("b"), ...fan], someone);
    for (let n = 0; n < 3; n++) await Promise.all([one.next(), two.next()]);
    const done = await Promise.all(
      tasks.map(({ id }) => at.muster.orchestrator.tasks.wait(id, 10_000, someone)),
    );
    expect(done.every(({ status }) => status === "completed")).toBe(true);
    expect([...one.seen, ...two.seen].sort()).toEqual(["a", "b", "d", "e", "f", "g"]);
    expect(await at.muster.ports.registry.reserved()).toEqual([]);
  });

  it("hands nothing on while the orchestrator drains", async () => {
    const { seen, next } = await worker("one");
    const [, b] = await at.muster.orchestrator.tasks.submit([link("a"), link("b", "a")], someone);
    await expect.poll(() => seen).toEqual(["a"]);
    const drained = at.muster.orchestrator.drain(10_000);
    await next();
    await drained;
    expect((await at.muster.orchestrator.tasks.get(b?.id as string, someone)).status).toBe("ready");
  });
});
