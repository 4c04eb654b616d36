import { Connection } from "rabbitmq-client";
import { pause } from "../../support/processes.ts";

/** Marks what came from here, so that an echo has none of its own. */
const mark = "x-muster-test-echo";

export interface MessageEcho {
  /** Messages that were delivered once more so far. */
  count(): number;
  close(): Promise<void>;
}

/** Delivers everything that goes to agents and nodes a second time at once, and a third time `lateMs` later. */
export async function startMessageEcho(url: string, lateMs: number): Promise<MessageEcho> {
  const connection = new Connection(url);
  connection.on("error", () => undefined);
  const publisher = connection.createPublisher({ confirm: false });
  let echoes = 0;
  const consumer = connection.createConsumer(
    {
      queueOptions: { exclusive: true },
      queueBindings: [{ exchange: "agent.tasks", routingKey: "#" }],
      exchanges: [{ exchange: "agent.tasks", type: "topic", durable: true }],
      qos: { prefetchCount: 0 },
      noAck: true,
    },
    async (message) => {
      if (message.headers?.[mark] !== undefined) return;
      const { exchange, routingKey, body, ...properties } = message;
      const envelope = {
        ...properties,
        exchange,
        routingKey,
        headers: { ...message.headers, [mark]: "yes" },
      };
      echoes++;
      await publisher.send(envelope, body);
      void pause(lateMs).then(() => publisher.send(envelope, body).catch(() => undefined));
    },
  );
  consumer.on("error", () => undefined);
  await new Promise<void>((resolve) => consumer.once("ready", resolve));
  return {
    count: () => echoes,
    async close() {
      await consumer.close();
      await publisher.close();
      await connection.close();
    },
  };
}
