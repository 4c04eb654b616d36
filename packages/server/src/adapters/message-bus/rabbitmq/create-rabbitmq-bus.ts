import { randomUUID } from "node:crypto";
import {
  amqpHighestPriority,
  amqpNames,
  amqpPropertiesOf,
  limits,
  type Message,
  MusterError,
} from "@muster/sdk/protocol";
import { Connection } from "rabbitmq-client";
import type { Log } from "../../../ports/log.ts";
import {
  type MessageBus,
  type MessageHandler,
  requestsAtOnce,
  type Subscription,
} from "../../../ports/message-bus.ts";
import { type Claims, createClaims } from "./claims.ts";
import { createDeadLetters } from "./dead-letters.ts";
import { createPublisher } from "./publisher.ts";
import { QueueReader, type ReaderOptions } from "./queue-reader.ts";
import { createReaders } from "./readers.ts";
import { RecentIds } from "./recent-ids.ts";
import { type QueueShape, requestQueue, responseQueue, taskQueue } from "./topology.ts";
import { brokerUnavailable, busClosed } from "./unavailable.ts";
import { within } from "./within.ts";

export interface RabbitmqBusOptions {
  /** `amqp://user:password@host:5672/vhost`, or `amqps:` for TLS. */
  url: string;
  log: Pick<Log, "info" | "warn">;
  /** What the broker's own pages call this connection. */
  name?: string;
}

/** First connection: who waits longer than this hears why there is none. */
const connectMs = 10_000;
/** Within about twice this a connection that says nothing any more is given up, by us and by the broker. */
const heartbeatSeconds = 4;
const closeMs = 2_000;

/**
 * The message bus of a cluster: RabbitMQ. Each agent has a queue for what is sent to it and one for answers; the node
 * that an agent is connected to reads them for it, or the agent does so itself. Six decisions to know:
 *
 * - What is sent has its own connection. A broker that is short of memory stops whoever sends, and would otherwise
 *   stop reading, too.
 * - Messages are persistent and confirmed. `send` waits for that, and its callers do not wait for each other.
 * - A message to an agent without a queue makes the queue: the broker may have lost it, and whoever reads it comes
 *   back. A queue that nobody reads goes after a minute, so that those of agents that are gone do not pile up.
 * - An agent that moves to another node is read by that one: see `createClaims`.
 * - What comes twice is handled once on a node, by the message's id. Beyond that lease tokens tell.
 * - Everything comes back by itself: connections, channels, exchanges, queues, readers.
 */
export async function createRabbitmqBus(options: RabbitmqBusOptions): Promise<MessageBus> {
  const { log } = options;
  const outage = createOutage(log);
  const sending = connect(options, "sends", outage);
  const receiving = connect(options, "receives", outage);
  const connections = [sending, receiving];
  try {
    await within(connectMs, Promise.all(connections.map((each) => each.onConnect(connectMs, true))));
  } catch (error) {
    for (const connection of connections) connection.unsafeDestroy();
    throw brokerUnavailable("The message broker can't be reached", outage.reason() ?? error);
  }

  const node = randomUUID();
  const recent = new RecentIds();
  const publisher = createPublisher(sending, outage.note);
  const claims: Claims = createClaims({
    node,
    find: (queue) => readers.find(queue),
    letGo: (reader) => void readers.remove(reader),
    publish: (routingKey, body) =>
      publisher.publish({ exchange: amqpNames.tasks, routingKey, contentType: "application/json" }, body),
  });
  const readers = createReaders({ connection: receiving, claims, onProblem: outage.note });
  const deadLetters = createDeadLetters(receiving, log, outage.note);
  let closed = false;

  function refuseWhenClosed(): void {
    if (closed) throw busClosed();
  }

  async function read(
    queue: QueueShape,
    handler: MessageHandler,
    changes: Partial<ReaderOptions> = {},
  ): Promise<Subscription> {
    refuseWhenClosed();
    const { name } = queue;
    const reader = new QueueReader(
      {
        queue,
        handler,
        prefetch: 1,
        concurrent: false,
        alone: true,
        accepts: ({ id }) => recent.add(`${name} ${id}`),
        onHandlerFailed: ({ id, type }, error) =>
          log.warn({ error, queue: name, messageId: id, type }, "A handler failed; its message is lost."),
        ...changes,
      },
      claims.now(),
    );
    await readers.add(reader);
    return { end: () => readers.remove(reader) };
  }

  async function post(exchange: string, queue: string, message: Message, priority?: number): Promise<void> {
    refuseWhenClosed();
    const mandatory = exchange === amqpNames.tasks;
    const envelope = { ...amqpPropertiesOf(message, priority), exchange, routingKey: queue, mandatory };
    const body = Buffer.from(JSON.stringify(message));
    const deliver = () => publisher.publish(envelope, body);
    let verdict = await deliver();
    if (verdict === "nobody") {
      await readers.declare(message.to === "orchestrator" ? requestQueue : taskQueue(message.to));
      verdict = await deliver();
    }
    if (verdict === "full") throw tooMany(message.to);
  }

  return {
    async send(message, priority) {
      if (!Number.isInteger(priority) || priority < 1 || priority > amqpHighestPriority) {
        throw new RangeError(
          `A priority is a whole number from 1 to ${amqpHighestPriority}, not ${priority}.`,
        );
      }
      const { name } = message.to === "orchestrator" ? requestQueue : taskQueue(message.to);
      await post(amqpNames.tasks, name, message, priority);
    },
    async broadcast(message) {
      refuseWhenClosed();
      const envelope = { ...amqpPropertiesOf(message), exchange: amqpNames.broadcasts };
      const verdict = await publisher.publish(envelope, Buffer.from(JSON.stringify(message)));
      if (verdict === "full") {
        log.warn({ messageId: message.id }, "A broadcast missed agents with full queues.");
      }
    },
    async respond(message) {
      await post(amqpNames.responses, responseQueue(message.to).name, message);
    },
    async subscribe(agentId, handler, prefetch = 1) {
      const queue = taskQueue(agentId);
      return read(queue, handler, {
        prefetch,
        accepts: ({ id, from }) => from !== agentId && recent.add(`${queue.name} ${id}`),
      });
    },
    async listen(address, handler) {
      return read(responseQueue(address), handler, { prefetch: requestsAtOnce });
    },
    async serve(handler) {
      return read(requestQueue, handler, { prefetch: requestsAtOnce, concurrent: true, alone: false });
    },
    async provide(agentId) {
      refuseWhenClosed();
      await Promise.all([readers.declare(taskQueue(agentId)), readers.declare(responseQueue(agentId))]);
    },
    async check() {
      refuseWhenClosed();
      await Promise.all([publisher.check(), readers.check()]);
    },
    async close() {
      if (closed) return;
      closed = true;
      const parts = [readers.close(), deadLetters.close(), publisher.close()];
      await within(closeMs, Promise.all(parts)).catch(() => {});
      await within(closeMs, Promise.all(connections.map((each) => each.close()))).catch(() => {});
      for (const connection of connections) connection.unsafeDestroy();
    },
  };
}

function connect({ url, name = "muster" }: RabbitmqBusOptions, what: string, outage: Outage): Connection {
  const connection = new Connection({
    url: withUser(url),
    connectionName: `${name} ${what}`,
    heartbeat: heartbeatSeconds,
    connectionTimeout: 5_000,
    acquireTimeout: 5_000,
    retryLow: 100,
    retryHigh: 1_000,
    noDelay: true,
  });
  connection.on("error", outage.note);
  connection.on("connection", outage.over);
  connection.on("connection.blocked", (reason) => outage.note(new Error(`it takes no messages: ${reason}`)));
  connection.on("connection.unblocked", outage.over);
  return connection;
}

/** An address without a user means the one that every new broker has, and lets in from its own machine alone. */
function withUser(url: string): string {
  const address = new URL(url);
  if (address.username !== "") return url;
  address.username = "guest";
  address.password = "guest";
  return address.href;
}

type Outage = ReturnType<typeof createOutage>;

/** Tells of trouble with the broker once and not with every try, and of its end. */
function createOutage(log: RabbitmqBusOptions["log"]) {
  let newest: unknown;
  return {
    reason: () => newest,
    note(error: unknown): void {
      if (newest === undefined) log.warn({ error }, "There is trouble with the message broker.");
      newest = error;
    },
    over(): void {
      if (newest !== undefined) log.info({}, "The message broker is back.");
      newest = undefined;
    },
  };
}

const tooMany = (address: string): MusterError =>
  new MusterError(
    "unavailable",
    `${limits.mailboxMessages} messages wait for ${address} already; it takes no more now.`,
    { hint: "It is slow or stuck: look at its log, or send again later." },
  );
