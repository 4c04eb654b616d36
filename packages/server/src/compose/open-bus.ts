import { createInProcessBus } from "../adapters/message-bus/in-process/create-in-process-bus.ts";
import type { Log } from "../ports/log.ts";
import type { MessageBus } from "../ports/message-bus.ts";
import { untilReached } from "./until-reached.ts";

export interface BusOptions {
  amqpUrl?: string | undefined;
  startMs: number;
  log: Log;
  onProgress: (sentence: string) => void;
}

/** RabbitMQ where there is one, else queues in this process. */
export async function openBus({ amqpUrl, startMs, log, onProgress }: BusOptions): Promise<MessageBus> {
  if (amqpUrl === undefined) return createInProcessBus({ log });
  const { createRabbitmqBus } = await import("../adapters/message-bus/rabbitmq/create-rabbitmq-bus.ts");
  return untilReached(
    () => createRabbitmqBus({ url: amqpUrl, log }),
    startMs,
    (reason) => onProgress(`waiting for RabbitMQ: ${reason}`),
  );
}
