import { type AgentDefinition, createAgent, type RunningAgent } from "@muster/sdk";
import { createAmqpTransport } from "@muster/sdk/amqp";
import { amqpNames, amqpQueues } from "@muster/sdk/protocol";
import { Connection } from "rabbitmq-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createRabbitmqBus } from "../../adapters/message-bus/rabbitmq/create-rabbitmq-bus.ts";
import type { Database } from "../../ports/database.ts";
import { message } from "../contracts/message-collector.ts";
import {
  emptyDatabase,
  freshDatabase,
  orchestrate,
  root,
  silentLog,
  type TestOrchestrator,
} from "../orchestrate.ts";
import { type Scratch, scratchBrokerUser, scratchVhost } from "../services.ts";

const agentId = "counter.1";
let database: Database;
let broker: Scratch;
let user: Scratch;
let muster: TestOrchestrator;
let apiKey: string;
let agent: RunningAgent | undefined;

beforeAll(async () => {
  broker = await scratchVhost();
  user = await scratchBrokerUser(broker.url, agentId);
  database = await freshDatabase();
});
afterAll(async () => {
  await database.close();
  await user.drop();
  await broker.drop();
});
beforeEach(async () => {
  await emptyDatabase(database);
  muster = await startNode();
  apiKey = (await muster.orchestrator.keys.create({ name: "a", role: "agent", tenant: "default" }, root)).key;
});
afterEach(async () => {
  await agent?.stop(0);
  await muster.stop();
});

async function startNode(): Promise<TestOrchestrator> {
  const bus = await createRabbitmqBus({ url: broker.url, log: silentLog });
  return orchestrate(database, {}, { bus });
}

const problems: Error[] = [];
async function startAgent(changes: Partial<AgentDefinition> = {}, key = apiKey): Promise<void> {
  const definition: AgentDefinition = {
    id: agentId,
    name: "counter",
    maxConcurrency: 5,
    capabilities: [{ name: "count", handler: ({ input }) => (input as string).length }],
    ...changes,
  };
  agent = createAgent(definition, { onProblem: (problem) => void problems.push(problem) });
  await agent.start({ transport: createAmqpTransport({ url: user.url, apiKey: key }) });
}

const count = (input: string) => ({ capability: "count", input });

describe("an agent over AMQP, with a broker user of its own", () => {
  test("does tasks, journals, delegates and answers queries", async () => {
    await startAgent({
      onQuery: ({ payload }) => `heard ${payload}`,
      capabilities: [
        { name: "count", handler: ({ input }) => (input as string).length },
        {
          name: "total",
          async handler({ input, step, delegateAll }) {
            const words = await step("split", () => (input as string).split(" "));
            const counts = await delegateAll(words.map(count));
            return counts.reduce((sum: number, { output }) => sum + (output as number), 0);
          },
        },
      ],
    });
    const [task] = await muster.finish({ capability: "total", input: "one two three" });
    expect(task).toMatchObject({ status: "completed", output: 11 });
    const asker = await muster.agent({
      name: "asker",
      capabilities: [{ name: "ask", handler: ({ query }) => query("counter", "you") }],
    });
    expect((await muster.finish({ capability: "ask" }))[0]).toMatchObject({ output: "heard you" });
    await asker.stop();
  });

  test("gets many tasks at once and never more than it has slots for", async () => {
    let [running, most] = [0, 0];
    await startAgent({
      capabilities: [
        {
          name: "count",
          async handler({ input }) {
            most = Math.max(most, ++running);
            await new Promise((resolve) => setTimeout(resolve, 5));
            running -= 1;
            return (input as string).length;
          },
        },
      ],
    });
    const tasks = await muster.finish(...Array.from({ length: 200 }, (_, index) => count("x".repeat(index))));
    expect(tasks.map(({ output }) => output)).toEqual(Array.from({ length: 200 }, (_, index) => index));
    expect(most).toBe(5);
  });

  test("is told why it may not join", async () => {
    await expect(startAgent({}, "mk_wrong")).rejects.toMatchObject({ code: "unauthenticated" });
  });

  test("is known again after the broker has lost its queues", async () => {
    await startAgent();
    expect((await muster.finish(count("one")))[0]).toMatchObject({ output: 3 });
    const raw = new Connection(broker.url);
    const { tasks, responses } = amqpQueues(agentId);
    for (const queue of [tasks, responses, amqpNames.requestQueue]) await raw.queueDelete(queue);
    await raw.close();
    expect((await muster.finish(count("seven")))[0]).toMatchObject({ output: 5, attempts: 1 });
  });

  test("registers again where its session is not known", async () => {
    await startAgent();
    const [listed] = await muster.orchestrator.agents.list({}, root);
    expect(listed).toMatchObject({ id: agentId });
    await muster.ports.registry.remove(agentId);
    await vi.waitFor(async () => expect(await muster.orchestrator.agents.list({}, root)).toHaveLength(1), {
      timeout: 15_000,
    });
    expect((await muster.finish(count("one")))[0]).toMatchObject({ output: 3 });
  });

  test("is gone at once when it says goodbye", async () => {
    await startAgent();
    await agent!.stop();
    expect(await muster.orchestrator.agents.list({}, root)).toEqual([]);
  });
});

describe("the broker user of an agent may not", () => {
  let stranger: Connection;
  beforeEach(async () => {
    await startAgent();
    await muster.ports.bus.provide("victim");
    stranger = new Connection({ url: user.url, retryLow: 50 });
    stranger.on("error", () => {});
  });
  afterEach(async () => {
    await stranger.close();
  });
  const refused = { code: "ACCESS_REFUSED" };
  const victim = amqpQueues("victim");

  test("read, empty, make or delete what is another's", async () => {
    await expect(stranger.basicGet(victim.tasks)).rejects.toMatchObject(refused);
    await expect(stranger.basicGet(victim.responses)).rejects.toMatchObject(refused);
    await expect(stranger.basicGet(amqpNames.requestQueue)).rejects.toMatchObject(refused);
    await expect(stranger.queuePurge(victim.tasks)).rejects.toMatchObject(refused);
    await expect(stranger.queueDelete(victim.tasks)).rejects.toMatchObject(refused);
    await expect(stranger.queueDeclare({ queue: "mine" })).rejects.toMatchObject(refused);
  });

  test("listen to what is sent to others", async () => {
    const { tasks: queue } = amqpQueues(agentId);
    for (const exchange of [amqpNames.tasks, amqpNames.responses, amqpNames.broadcasts]) {
      await expect(stranger.queueBind({ queue, exchange, routingKey: "#" })).rejects.toMatchObject(refused);
    }
  });

  test("send to others in the orchestrator's name", async () => {
    for (const [exchange, routingKey] of [
      [amqpNames.tasks, victim.tasks],
      [amqpNames.tasks, "orchestrator.claims"],
      [amqpNames.responses, victim.responses],
      [amqpNames.broadcasts, ""],
      ["", victim.tasks],
    ] as const) {
      const publisher = stranger.createPublisher({ confirm: true });
      const forged = message("victim", { from: "orchestrator", type: "task_request" });
      await expect(publisher.send({ exchange, routingKey }, forged)).rejects.toMatchObject(refused);
    }
  });
});
