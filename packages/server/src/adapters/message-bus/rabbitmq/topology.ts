import { amqpHighestPriority, amqpNames, amqpQueues, limits } from "@muster/sdk/protocol";
import type { Channel } from "rabbitmq-client";

/** An agent's queue that nobody reads is removed after this long, and a message that nobody reads becomes a dead letter. */
const unreadMs = 60_000;
/** Requests that wait for a node. */
const mostRequests = 50_000;
/** Dead letters that are kept while there is no node to count them. */
const mostDeadLetters = 10_000;

/** A full queue refuses what comes, so that the sender hears of it. What it does not refuse and nobody reads is a dead letter. */
const bounded = {
  "x-overflow": "reject-publish",
  "x-message-ttl": unreadMs,
  "x-dead-letter-exchange": amqpNames.deadLetters,
} as const;
const ofOneAgent = { ...bounded, "x-expires": unreadMs, "x-max-length": limits.mailboxMessages } as const;

/** Everything that is there whether or not there are agents. Doing it again does no harm. */
export async function declareExchanges(channel: Channel): Promise<void> {
  await channel.exchangeDeclare({ exchange: amqpNames.tasks, type: "topic", durable: true });
  await channel.exchangeDeclare({ exchange: amqpNames.broadcasts, type: "fanout", durable: true });
  await channel.exchangeDeclare({ exchange: amqpNames.responses, type: "direct", durable: true });
  await channel.exchangeDeclare({ exchange: amqpNames.deadLetters, type: "fanout", durable: true });
}

export interface QueueShape {
  name: string;
  /** Answers how many read it already. */
  declare(channel: Channel): Promise<number>;
}

/** Where an agent gets what is sent to it, and broadcasts. */
export function taskQueue(agentId: string): QueueShape {
  const { tasks: queue } = amqpQueues(agentId);
  return {
    name: queue,
    async declare(channel) {
      const { consumerCount } = await channel.queueDeclare({
        queue,
        durable: true,
        arguments: { ...ofOneAgent, "x-max-priority": amqpHighestPriority },
      });
      await channel.queueBind({ queue, exchange: amqpNames.tasks, routingKey: queue });
      await channel.queueBind({ queue, exchange: amqpNames.broadcasts });
      return consumerCount;
    },
  };
}

/** Where answers to an address arrive. */
export function responseQueue(address: string): QueueShape {
  const { responses: queue } = amqpQueues(address);
  return {
    name: queue,
    async declare(channel) {
      const { consumerCount } = await channel.queueDeclare({ queue, durable: true, arguments: ofOneAgent });
      await channel.queueBind({ queue, exchange: amqpNames.responses, routingKey: queue });
      return consumerCount;
    },
  };
}

/** Where agents that read the broker themselves put their requests. */
export const requestQueue: QueueShape = {
  name: amqpNames.requestQueue,
  async declare(channel) {
    const queue = amqpNames.requestQueue;
    const { consumerCount } = await channel.queueDeclare({
      queue,
      durable: true,
      arguments: {
        ...bounded,
        "x-max-priority": amqpHighestPriority,
        "x-max-length": mostRequests,
      },
    });
    await channel.queueBind({ queue, exchange: amqpNames.tasks, routingKey: queue });
    return consumerCount;
  },
};

export const deadLetterQueue: QueueShape = {
  name: amqpNames.deadLetterQueue,
  async declare(channel) {
    const queue = amqpNames.deadLetterQueue;
    const { consumerCount } = await channel.queueDeclare({
      queue,
      durable: true,
      arguments: { "x-max-length": mostDeadLetters, "x-overflow": "drop-head" },
    });
    await channel.queueBind({ queue, exchange: amqpNames.deadLetters });
    return consumerCount;
  },
};
