import { amqpNames, amqpQueues } from "@muster/sdk/protocol";
import { Connection } from "rabbitmq-client";
import { afterAll, beforeAll } from "vitest";
import type { MessageBus } from "../../../ports/message-bus.ts";
import { describeMessageBusContract } from "../../../test/contracts/message-bus.ts";
import { type Scratch, scratchVhost } from "../../../test/services.ts";
import { createRabbitmqBus } from "./create-rabbitmq-bus.ts";

let broker: Scratch;
let connection: Connection;
/** Queues that tests used: the contract wants a bus that carries nothing, and making a virtual host takes seconds. */
const used = new Set<string>([amqpNames.requestQueue]);

beforeAll(async () => {
  broker = await scratchVhost();
  connection = new Connection(broker.url);
});
afterAll(async () => {
  await connection.close();
  await broker.drop();
});

async function emptyBus(): Promise<MessageBus> {
  const bus = await createRabbitmqBus({ url: broker.url, log: { info: () => {}, warn: () => {} } });
  const note = (address: string) => {
    const { tasks, responses } = amqpQueues(address);
    used.add(tasks).add(responses);
  };
  return {
    ...bus,
    subscribe(agentId, ...rest) {
      note(agentId);
      return bus.subscribe(agentId, ...rest);
    },
    listen(address, handler) {
      note(address);
      return bus.listen(address, handler);
    },
    send(message, priority) {
      note(message.to);
      return bus.send(message, priority);
    },
  };
}

describeMessageBusContract("the bus on RabbitMQ", async () => {
  for (const queue of used) await connection.queueDelete(queue);
  return [await emptyBus(), await emptyBus()];
});
