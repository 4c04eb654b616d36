import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { createInMemoryRegistry } from "../../adapters/agent-registry/in-memory/create-in-memory-registry.ts";
import { createInProcessBus } from "../../adapters/message-bus/in-process/create-in-process-bus.ts";
import {
  createInMemorySignals,
  createSignalExchange,
} from "../../adapters/signals/in-memory/create-in-memory-signals.ts";
import type { Database } from "../../ports/database.ts";
import type { Signals } from "../../ports/signals.ts";
import {
  emptyDatabase,
  freshDatabase,
  orchestrate,
  root,
  someone,
  type TestOrchestrator,
} from "../orchestrate.ts";

/** Two nodes that share everything that nodes share, and the statements that each has asked for. */
interface Node extends TestOrchestrator {
  asked: string[];
}

let database: Database;
let nodes: Node[] = [];

async function node(parts: Parameters<typeof orchestrate>[2]): Promise<Node> {
  const asked: string[] = [];
  const query: Database["query"] = (statement, parameters) => {
    asked.push(statement.name);
    return database.query(statement, parameters);
  };
  const started = await orchestrate({ ...database, query }, {}, parts);
  return { ...started, asked };
}

async function twoNodes(signals: () => Signals): Promise<[Node, Node]> {
  const shared = { registry: createInMemoryRegistry(), bus: createInProcessBus() };
  const pair: [Node, Node] = [
    await node({ ...shared, signals: signals() }),
    await node({ ...shared, signals: signals() }),
  ];
  nodes = pair;
  return pair;
}

const connected = () => {
  const exchange = createSignalExchange();
  return twoNodes(() => createInMemorySignals(exchange));
};

/** An agent that works on one task at a time, until it is told that it is done. */
async function worker(at: TestOrchestrator) {
  const done: (() => void)[] = [];
  const inputs: unknown[] = [];
  await at.agent({
    name: "worker",
    capabilities: [
      {
        name: "work",
        handler: ({ input }) => {
          inputs.push(input);
          return new Promise<object>((resolve) => done.push(() => resolve({})));
        },
      },
    ],
  });
  return { done, inputs };
}

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(() => emptyDatabase(database));
afterEach(async () => {
  for (const each of nodes.splice(0)) await each.stop();
});

it("who waits at one node learns at once what ended at the other", async () => {
  const [here, there] = await connected();
  const { done } = await worker(there);
  const [task] = await here.orchestrator.tasks.submit([{ capability: "work" }], someone);
  const waiting = here.orchestrator.tasks.wait(task?.id as string, 10_000, someone);
  await expect.poll(() => done.length).toBe(1);
  const looks = here.asked.filter((name) => name === "ended_among").length;
  done[0]?.();
  expect((await waiting).status).toBe("completed");
  expect(here.asked.filter((name) => name === "ended_among")).toHaveLength(looks);
});

it("a slot that gets free at one node is filled with work that the other knows of", async () => {
  const [here, there] = await connected();
  const { done, inputs } = await worker(there);
  const submit = (n: number) =>
    here.orchestrator.tasks.submit([{ capability: "work", input: { n } }], someone);
  await submit(1);
  await expect.poll(() => inputs).toEqual([{ n: 1 }]);
  await submit(2);
  const looks = [...here.asked, ...there.asked].filter((name) => name === "ready_routes").length;
  done[0]?.();
  await expect.poll(() => inputs).toEqual([{ n: 1 }, { n: 2 }]);
  expect([...here.asked, ...there.asked].filter((name) => name === "ready_routes")).toHaveLength(looks);
  done[1]?.();
});

it("who follows events at one node sees what happens at the other", async () => {
  const [here, there] = await connected();
  const seen: string[] = [];
  const following = here.orchestrator.events.subscribe(0, {}, root, ({ type }) => void seen.push(type));
  await there.orchestrator.tasks.submit([{ capability: "work" }], someone);
  await expect.poll(() => seen).toContain("task.submitted");
  await following.end();
});

it("a node that drains leaves its work to the others", async () => {
  const [here, there] = await connected();
  const { inputs, done } = await worker(there);
  await here.orchestrator.drain(0);
  await here.orchestrator.tasks.submit([{ capability: "work", input: { n: 1 } }], someone);
  await expect.poll(() => inputs).toEqual([{ n: 1 }]);
  done[0]?.();
});

it("without a single signal everything is found all the same", async () => {
  const deaf: Signals = {
    publish() {},
    subscribe: async () => ({ end: async () => {} }),
    onGap() {},
    close: async () => {},
  };
  const [here, there] = await twoNodes(() => deaf);
  const { done } = await worker(there);
  const [task] = await here.orchestrator.tasks.submit([{ capability: "work" }], someone);
  const waiting = here.orchestrator.tasks.wait(task?.id as string, 20_000, someone);
  await expect.poll(() => done.length, { timeout: 10_000 }).toBe(1);
  done[0]?.();
  expect((await waiting).status).toBe("completed");
});

it("two nodes under load hand out each task once, to nobody beyond its slots", async () => {
  const [here, there] = await connected();
  let running = 0;
  let most = 0;
  const seen: string[] = [];
  for (const at of [here, there]) {
    await at.agent({
      name: `busy-${at === here ? "here" : "there"}`,
      maxConcurrency: 5,
      capabilities: [
        {
          name: "work",
          handler: async ({ taskId }) => {
            seen.push(taskId);
            running += 1;
            most = Math.max(most, running);
            await new Promise((resolve) => setImmediate(resolve));
            running -= 1;
            return {};
          },
        },
      ],
    });
  }
  const batch = Array.from({ length: 150 }, () => ({ capability: "work" }));
  const submitted = await Promise.all(
    [here, there].map((at) => at.orchestrator.tasks.submit(batch, someone)),
  );
  const ids = submitted.flat().map((task) => task.id);
  const ended = await Promise.all(ids.map((id) => here.orchestrator.tasks.wait(id, 20_000, someone)));
  expect(ended.every((task) => task.status === "completed" && task.attempts === 1)).toBe(true);
  expect(seen.sort()).toEqual(ids.sort());
  expect(most).toBeLessThanOrEqual(10);
});

it("a node that drains waits for agents that report to it, and not for those of the other", async () => {
  const [one, other] = await connected();
  const work = await worker(other);
  const [task] = await one.orchestrator.tasks.submit([{ capability: "work" }], someone);
  await expect.poll(() => work.inputs.length).toBe(1);
  const first = (drained: Promise<void>, ms: number) =>
    Promise.race([
      drained.then(() => "drained"),
      new Promise((resolve) => setTimeout(() => resolve("waits"), ms)),
    ]);
  expect(await first(one.orchestrator.drain(20_000), 10_000)).toBe("drained");
  const drained = other.orchestrator.drain(20_000);
  expect(await first(drained, 300)).toBe("waits");
  for (const finish of work.done) finish();
  expect(await first(drained, 10_000)).toBe("drained");
  expect((await other.orchestrator.tasks.get(task?.id as string, someone)).status).toBe("completed");
});
