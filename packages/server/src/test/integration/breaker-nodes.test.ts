import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Database } from "../../ports/database.ts";
import {
  emptyDatabase,
  freshDatabase,
  orchestrate,
  root,
  someone,
  type TestOrchestrator,
} from "../orchestrate.ts";
import { startTwoNodes } from "../two-nodes.ts";

/** A busy machine takes its time. */
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 10_000 });

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(() => emptyDatabase(database));

const settings = {
  policy: { minHealthScore: 0, maxLoadRatio: 1 },
  breaker: { failures: 3, coolDownMs: 300 },
};
const work = { capability: "work", retry: { maxAttempts: 1 } };

/** An agent that fails as often as it is told to, and then works on each task until it is let go. */
async function worker(at: TestOrchestrator, failures: number) {
  const seen: string[] = [];
  const waiting: (() => void)[] = [];
  await at.agent({
    id: "weak",
    name: "weak",
    maxConcurrency: 8,
    capabilities: [
      {
        name: "work",
        handler: async ({ taskId }) => {
          seen.push(taskId);
          if (seen.length <= failures) throw new Error("out of order");
          await new Promise<void>((resolve) => waiting.push(resolve));
          return {};
        },
      },
    ],
  });
  return { seen, waiting };
}
/** What a node takes it for, and what it is. */
const knownAt = async (at: TestOrchestrator) => (await at.orchestrator.agents.get("weak", root)).breaker;
const stateAt = async (at: TestOrchestrator) => (await at.orchestrator.breakers.get("weak", root)).state;

it("two nodes see one breaker, and let one probe through", async () => {
  const nodes = await startTwoNodes(database, settings);
  const { one, other } = nodes;
  const { seen, waiting } = await worker(other, 3);
  for (const [n, at] of [one, other, one].entries()) {
    await at.orchestrator.tasks.submit([work], someone);
    await soon(() => seen.length).toBe(n + 1);
    await soon(async () => (await one.ports.registry.reserved()).length).toBe(0);
  }
  for (const at of [one, other]) await soon(() => knownAt(at)).toBe("open");
  const batch = Array.from({ length: 5 }, () => work);
  const ids = (await Promise.all([one, other].map((at) => at.orchestrator.tasks.submit(batch, someone))))
    .flat()
    .map(({ id }) => id);
  expect(seen).toHaveLength(3);
  await soon(() => waiting.length).toBe(1);
  expect([await stateAt(one), await stateAt(other)]).toEqual(["half_open", "half_open"]);
  // Both nodes are asked for more work once again, and the agent has slots to spare.
  for (const at of [one, other]) await at.orchestrator.tasks.submit([work], someone);
  await soon(() => one.orchestrator.tasks.explain(ids.at(-1) as string, someone)).toMatchObject({
    reasons: expect.arrayContaining([expect.stringContaining("its one probe is under way")]),
  });
  expect(waiting).toHaveLength(1);
  waiting.shift()?.();
  await soon(() => stateAt(other)).toBe("closed");
  await soon(() => waiting.length).toBe(8);
  const letGo = setInterval(() => waiting.shift()?.(), 5);
  const ended = await Promise.all(ids.map((id) => other.orchestrator.tasks.wait(id, 10_000, someone)));
  expect(ended.every(({ status }) => status === "completed")).toBe(true);
  clearInterval(letGo);
  await nodes.stop();
});

it("a breaker that is open stays open over a restart, and its cool-down goes on", async () => {
  const before = await orchestrate(database, settings);
  const first = await worker(before, 3);
  for (let n = 1; n <= 3; n++) {
    await before.orchestrator.tasks.submit([work], someone);
    await soon(() => first.seen.length).toBe(n);
    await soon(async () => (await before.ports.registry.reserved()).length).toBe(0);
  }
  await before.orchestrator.breakers.open("weak", { reason: "being watched", forMs: 600 }, root);
  await before.stop();

  const after = await orchestrate(database, settings);
  const { seen, waiting } = await worker(after, 0);
  const [task] = await after.orchestrator.tasks.submit([work], someone);
  expect(await after.orchestrator.breakers.get("weak", root)).toMatchObject({
    state: "open",
    reason: "being watched",
    by: root.name,
  });
  const why = await after.orchestrator.tasks.explain(task?.id as string, someone);
  expect(why.reasons.join()).toContain("has an open breaker");
  expect(seen).toEqual([]);
  await soon(() => waiting.length).toBe(1);
  waiting.shift()?.();
  await soon(() => stateAt(after)).toBe("closed");
  await after.stop();
});
