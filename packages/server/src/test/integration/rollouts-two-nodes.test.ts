import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { Database } from "../../ports/database.ts";
import { emptyDatabase, freshDatabase, root, type TestOrchestrator } from "../orchestrate.ts";
import { startTwoNodes, type TwoNodes } from "../two-nodes.ts";

let database: Database;
let nodes: TwoNodes;

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await emptyDatabase(database);
  nodes = await startTwoNodes(database);
});
afterEach(() => nodes.stop());

const version = (on: TestOrchestrator, number: string, fails = false) =>
  on.agent({
    name: `greeter-${number}`,
    version: number,
    maxConcurrency: 20,
    capabilities: [
      {
        name: "greet",
        handler: () => {
          if (fails) throw new Error("broken");
          return { by: number };
        },
      },
    ],
  });

async function greetAt(node: TestOrchestrator, count: number) {
  const tasks = Array.from({ length: count }, () => ({
    capability: "greet",
    retry: { maxAttempts: 5, delayMs: 10 },
  }));
  const ended = await node.finish(...tasks);
  return [...new Set(ended.map(({ output }) => (output as { by: string }).by))].sort();
}

const patient = { timeout: 8_000 };

it("a rollout that one node starts and moves holds at the other", async () => {
  const { one, other } = nodes;
  await version(one, "1");
  await version(other, "2");
  const { id } = await one.orchestrator.rollouts.start(
    { capability: "greet", candidate: { version: "2" } },
    root,
  );
  await expect
    .poll(() => greetAt(other, 1).then(() => other.orchestrator.rollouts.get(id, root)), patient)
    .toMatchObject({ step: 0 });
  await other.orchestrator.rollouts.promote(id, { toEnd: true }, root);
  await expect.poll(() => greetAt(one, 10), patient).toEqual(["2"]);
  await one.orchestrator.rollouts.clear(id, root);
  await expect.poll(() => greetAt(other, 30), patient).toEqual(["1", "2"]);
});

it("is moved once, however many nodes judge it at once", async () => {
  const { one, other } = nodes;
  await version(one, "1");
  await version(other, "2", true);
  const { id } = await one.orchestrator.rollouts.start(
    {
      capability: "greet",
      candidate: { version: "2" },
      steps: [{ candidate: 50 }],
      rollback: { minSamples: 2 },
    },
    root,
  );
  await Promise.all([greetAt(one, 20), greetAt(other, 20)]);
  await expect
    .poll(async () => (await one.orchestrator.rollouts.get(id, root)).status, patient)
    .toBe("rolled_back");
  const told = await one.orchestrator.events.read(0, { types: ["rollout.rolled_back"] }, root);
  expect(told.length).toBe(1);
  await expect.poll(() => greetAt(other, 10), patient).toEqual(["1"]);
});

it("two that are started at once are one, and the other is refused", async () => {
  const { one, other } = nodes;
  await version(one, "1");
  await version(one, "2");
  const start = (node: TestOrchestrator) =>
    node.orchestrator.rollouts.start({ capability: "greet", candidate: { version: "2" } }, root);
  const results = await Promise.allSettled([start(one), start(other), start(one), start(other)]);
  expect(results.filter(({ status }) => status === "fulfilled").length).toBe(1);
  for (const result of results)
    if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "conflict" });
});
