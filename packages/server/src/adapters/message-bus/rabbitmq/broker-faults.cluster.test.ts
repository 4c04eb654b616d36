import { amqpNames, amqpQueues, type Message } from "@muster/sdk/protocol";
import { Connection } from "rabbitmq-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { MessageBus } from "../../../ports/message-bus.ts";
import { collector, gate, message, messages, quiet } from "../../../test/contracts/message-collector.ts";
import { type Scratch, scratchVhost } from "../../../test/services.ts";
import { createRabbitmqBus } from "./create-rabbitmq-bus.ts";

const middle = 5;
let broker: Scratch;
let raw: Connection;
let here: MessageBus;
let there: MessageBus;
let warnings: { facts: Record<string, unknown>; sentence: string }[];
let made = 0;
let agent = "";

const log = {
  info: () => {},
  warn: (facts: object, sentence: string) =>
    void warnings.push({ facts: facts as Record<string, unknown>, sentence }),
};
const openBus = () => createRabbitmqBus({ url: broker.url, log });

beforeAll(async () => {
  broker = await scratchVhost();
  raw = new Connection(broker.url);
});
afterAll(async () => {
  raw.unsafeDestroy();
  await broker.drop();
});
beforeEach(async () => {
  warnings = [];
  agent = `agent.${++made}`;
  [here, there] = await Promise.all([openBus(), openBus()]);
});
afterEach(async () => {
  await Promise.all([here.close(), there.close()]);
});

describe("what the broker is told", () => {
  test("names, arguments and headers are those that other programs rely on", async () => {
    await here.subscribe("counter.1", () => {});
    await here.listen("counter.1", () => {});
    await here.serve(() => {});
    const queue = amqpQueues("counter.1");
    expect(queue).toEqual({ tasks: "agent.counter~1.tasks", responses: "agent.counter~1.responses" });
    const channel = await raw.acquire();
    for (const [exchange, type] of [
      ["agent.tasks", "topic"],
      ["agent.broadcasts", "fanout"],
      ["agent.responses", "direct"],
    ] as const) {
      await channel.exchangeDeclare({ exchange, type, durable: true });
    }
    for (const name of [queue.tasks, queue.responses, "orchestrator.priority"]) {
      await channel.queueDeclare({ queue: name, passive: true });
    }
    await channel.queueDeclare({ queue: "spy", exclusive: true, durable: false });
    await channel.queueBind({ queue: "spy", exchange: "agent.tasks", routingKey: "agent.*.tasks" });
    const sent = message("counter.1", { trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" });
    await here.send(sent, 7);
    const seen = await channel.basicGet({ queue: "spy", noAck: true });
    expect(seen).toMatchObject({
      body: sent,
      priority: 7,
      durable: true,
      messageId: sent.id,
      correlationId: sent.correlationId,
      type: "event",
      contentType: "application/json",
      headers: { traceparent: sent.trace },
    });
    await channel.queueDelete("spy");
    await channel.close();
  });

  test("an agent's id is no pattern", async () => {
    const [star, plain] = [collector(), collector()];
    for (const id of ["#", "*", "a.#", "*.b"]) await there.subscribe(id, star.handler);
    await there.subscribe("a.b", plain.handler);
    await here.send(message("a.b"), middle);
    await plain.has(1);
    await quiet(here, there);
    expect(star.got).toEqual([]);
  });

  test("the trace of a foreign sender arrives, although its message has none", async () => {
    const reader = collector();
    await here.subscribe(agent, reader.handler);
    const { trace: _, ...sent } = message(agent);
    const headers = { traceparent: "00-1-2-01" };
    const routingKey = amqpQueues(agent).tasks;
    const publisher = raw.createPublisher({ confirm: true });
    await publisher.send({ exchange: amqpNames.tasks, routingKey, headers }, sent);
    await reader.has(1);
    expect(reader.got).toEqual([{ ...sent, trace: "00-1-2-01" }]);
    await publisher.close();
  });
});

describe("what comes twice, late or broken", () => {
  test("is handled once, whether the broker repeats it or the sender does", async () => {
    const reader = collector();
    await here.subscribe(agent, reader.handler);
    const sent = message(agent);
    await there.send(sent, middle);
    await there.send(sent, middle);
    await here.send(sent, middle);
    await quiet(there, here);
    await quiet(here, here);
    expect(reader.ids()).toEqual([sent.id]);
  });

  test("is refused, told of once and keeps nobody from working", async () => {
    const reader = collector();
    await here.subscribe(agent, reader.handler);
    const envelope = { exchange: amqpNames.tasks, routingKey: amqpQueues(agent).tasks };
    const publisher = raw.createPublisher({ confirm: true });
    await publisher.send(envelope, "no JSON");
    await publisher.send({ ...envelope, contentType: "application/json" }, Buffer.from('{"id":'));
    await publisher.send(envelope, { id: 7 });
    await publisher.send(envelope, []);
    const sent = message(agent);
    await there.send(sent, middle);
    await reader.has(1);
    expect(reader.ids()).toEqual([sent.id]);
    await expect.poll(died).not.toEqual([]);
    expect(died()[0]!.facts).toMatchObject({ queue: amqpQueues(agent).tasks, reason: "rejected" });
    await Promise.all([here.close(), there.close()]);
    const counted = died().map(({ facts }) => facts.count as number);
    const told = counted.reduce((sum, count) => sum + count, 0);
    expect(told).toBeLessThanOrEqual(4);
    // The broker moves the dead, and gives back what its reader had not confirmed, in its own time. One that was told of when
    // its reader closed may lie in the queue once more.
    const lying = () => raw.queueDeclare({ queue: amqpNames.deadLetterQueue, passive: true });
    await expect
      .poll(async () => told + (await lying()).messageCount, { timeout: 10_000 })
      .toBeGreaterThanOrEqual(4);
    await publisher.close();
  });

  const died = () => warnings.filter(({ sentence }) => sentence.startsWith("Messages died"));

  test("what nobody has handled yet when its reader goes is handled by the next", async () => {
    const [first, second] = [gate(), collector()];
    await here.subscribe(agent, first.handler, 10);
    const sent = messages(agent, 10);
    for (const each of sent) await there.send(each, middle);
    await first.has(1);
    await here.close();
    await there.subscribe(agent, second.handler);
    await second.has(10);
    expect(new Set([...first.ids(), ...second.ids()])).toEqual(new Set(sent.map(({ id }) => id)));
    first.open();
  });

  test("what is sent while an agent moves is kept for it", async () => {
    await (await here.subscribe(agent, () => {})).end();
    const sent = message(agent);
    await there.send(sent, middle);
    const reader = collector();
    await there.subscribe(agent, reader.handler);
    await reader.has(1);
    expect(reader.ids()).toEqual([sent.id]);
  });

  test("a message that no broker takes is refused with the reason", async () => {
    await here.subscribe(agent, () => {});
    const payload = "x".repeat(65 * 1024 * 1024);
    await expect(here.send(message(agent, { payload }), middle)).rejects.toMatchObject({
      code: "payload_too_large",
    });
    await here.send(message(agent), middle);
  });
});

describe("when somebody deletes", () => {
  async function worksAgain(): Promise<void> {
    const probes: Message[] = [];
    const reader = collector();
    await there.subscribe(agent, reader.handler);
    probes.push(message(agent));
    await here.send(probes[0]!, middle);
    await reader.has(1);
  }

  test("the queue of an agent, it is made again, and what is sent meanwhile waits in it", async () => {
    const reader = collector();
    await there.subscribe(agent, reader.handler);
    await raw.queueDelete(amqpQueues(agent).tasks);
    const sent = message(agent);
    await here.send(sent, middle);
    await reader.has(1);
    expect(reader.ids()).toEqual([sent.id]);
    await vi.waitFor(
      async () => {
        await here.broadcast(message("*"));
        expect(reader.got.length).toBeGreaterThan(1);
      },
      { timeout: 10_000 },
    );
  });

  test("every exchange and queue, everything is made again", async () => {
    const [reader, asker, server] = [collector(), collector(), collector()];
    await there.subscribe(agent, reader.handler);
    await there.listen(agent, asker.handler);
    await there.serve(server.handler);
    const { tasks, responses } = amqpQueues(agent);
    for (const name of ["tasks", "broadcasts", "responses", "deadLetters"] as const) {
      await raw.exchangeDelete({ exchange: amqpNames[name] });
    }
    for (const queue of [tasks, responses, amqpNames.requestQueue, amqpNames.deadLetterQueue]) {
      await raw.queueDelete(queue);
    }
    await vi.waitFor(
      async () => {
        await here.send(message(agent), middle);
        await here.send(message("orchestrator"), middle);
        await here.respond(message(agent));
        await here.broadcast(message("*"));
        expect(reader.got.some(({ to }) => to === "*")).toBe(true);
        expect(asker.got.length).toBeGreaterThan(0);
        expect(server.got.length).toBeGreaterThan(0);
      },
      { timeout: 10_000, interval: 100 },
    );
    await worksAgain();
  });
});
