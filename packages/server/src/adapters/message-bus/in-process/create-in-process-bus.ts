import { limits, type Message, MusterError } from "@muster/sdk/protocol";
import type { Log } from "../../../ports/log.ts";
import {
  type MessageBus,
  type MessageHandler,
  requestsAtOnce,
  type Subscription,
} from "../../../ports/message-bus.ts";
import { highestPriority } from "./priority-queue.ts";
import { type Defer, Subscriber, type SubscriberOptions } from "./subscriber.ts";

export interface InProcessBusOptions {
  log?: Pick<Log, "warn">;
  /** How a delivery is put off until the sender has returned: `setImmediate`, unless a simulation decides. */
  defer?: Defer;
}

/** Broadcasts and answers name no priority; they go in the middle. */
const middlePriority = 5;

/**
 * The message bus of an orchestrator that is a single process. Each subscriber has a queue of its own, from
 * which its handler is fed asynchronously, one message at a time. Three decisions to know:
 *
 * - A message to somebody who has not subscribed is dropped at once and not kept for later. The gateway
 *   subscribes an agent before anybody can find it, and a task sent into the void comes back with its lease,
 *   while an assignment kept for later could arrive when its lease is over.
 * - A queue holds `limits.mailboxMessages`. Beyond that `send` and `respond` reject with `unavailable`; a
 *   broadcast reaches the others, and the log says who missed it.
 * - Receivers get the very object that was sent, not a copy. Neither side may change it.
 */
export function createInProcessBus({ log, defer = setImmediate }: InProcessBusOptions = {}): MessageBus {
  const subscribers = new Map<string, Subscriber>();
  const listeners = new Map<string, Subscriber>();
  const servers = new Set<Subscriber>();
  let closed = false;

  function refuseWhenClosed(): void {
    if (closed) {
      throw new MusterError("unavailable", "The message bus is closed, as the orchestrator is stopping.", {
        hint: "Try again when the orchestrator is back.",
      });
    }
  }

  function createSubscriber(
    address: string,
    handler: MessageHandler,
    changes: Partial<SubscriberOptions> = {},
  ): Subscriber {
    refuseWhenClosed();
    return new Subscriber({
      handler,
      capacity: limits.mailboxMessages,
      defer,
      onHandlerFailed: ({ id, type }, error) =>
        log?.warn({ error, address, messageId: id, type }, "A handler failed; its message is lost."),
      ...changes,
    });
  }

  function attach(to: Map<string, Subscriber>, address: string, handler: MessageHandler): Subscription {
    refuseWhenClosed();
    const waiting = to.get(address)?.end();
    const subscriber = createSubscriber(address, handler, waiting === undefined ? {} : { waiting });
    to.set(address, subscriber);
    return {
      async end() {
        // A subscriber that was replaced has handed everything over to its successor.
        if (to.get(address) !== subscriber) return;
        subscriber.end().clear();
        to.delete(address);
      },
    };
  }

  function deliver(to: Map<string, Subscriber>, message: Message, priority: number): void {
    refuseWhenClosed();
    if (to.get(message.to)?.take(message, priority) === false) throw tooMany(message.to);
  }

  /** Those who serve get requests in turns. */
  function serveNext(message: Message, priority: number): void {
    refuseWhenClosed();
    for (const server of servers) {
      servers.delete(server);
      servers.add(server);
      if (server.take(message, priority)) return;
    }
    if (servers.size > 0) throw tooMany(message.to);
  }

  return {
    async send(message, priority) {
      if (!Number.isInteger(priority) || priority < 1 || priority > highestPriority) {
        throw new RangeError(`A priority is a whole number from 1 to ${highestPriority}, not ${priority}.`);
      }
      if (message.to === "orchestrator") serveNext(message, priority);
      else deliver(subscribers, message, priority);
    },
    async broadcast(message) {
      refuseWhenClosed();
      const full: string[] = [];
      for (const [agentId, subscriber] of subscribers) {
        if (agentId !== message.from && !subscriber.take(message, middlePriority)) full.push(agentId);
      }
      if (full.length > 0) {
        log?.warn({ agentIds: full, messageId: message.id }, "A broadcast missed agents with full queues.");
      }
    },
    async respond(message) {
      deliver(listeners, message, middlePriority);
    },
    async subscribe(agentId, handler) {
      return attach(subscribers, agentId, handler);
    },
    async listen(address, handler) {
      return attach(listeners, address, handler);
    },
    async serve(handler) {
      const server = createSubscriber("orchestrator", handler, { atOnce: requestsAtOnce });
      servers.add(server);
      return {
        async end() {
          servers.delete(server);
          server.end().clear();
        },
      };
    },
    // Nobody reads the bus but through its subscriptions.
    async provide() {
      refuseWhenClosed();
    },
    async check() {
      refuseWhenClosed();
    },
    async close() {
      closed = true;
      for (const server of servers) server.end().clear();
      servers.clear();
      for (const group of [subscribers, listeners]) {
        for (const subscriber of group.values()) subscriber.end().clear();
        group.clear();
      }
    },
  };
}

const tooMany = (address: string): MusterError =>
  new MusterError(
    "unavailable",
    `${limits.mailboxMessages} messages wait for ${address} already; it takes no more now.`,
    { hint: "It is slow or stuck: look at its log, or send again later." },
  );
