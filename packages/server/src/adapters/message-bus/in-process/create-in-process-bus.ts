import { limits, type Message, MusterError } from "@muster/sdk/protocol";
import type { Log } from "../../../ports/log.ts";
import type { MessageBus, Subscription } from "../../../ports/message-bus.ts";
import { type Handler, Mailbox } from "./mailbox.ts";

/** Broadcasts stand in the middle: behind urgent tasks, before background work. */
const broadcastPriority = 5;
const answerPriority = 10;

export interface InProcessBusOptions {
  log?: Log;
  /** Messages that wait for one subscriber before senders are refused. */
  mailboxMessages?: number;
}

/**
 * The bus of an embedded orchestrator: one mailbox per subscriber, in memory. A message to somebody who doesn't
 * listen is lost, as the port allows; one to a full mailbox is refused with `rate_limited`. Messages are handed
 * over as they are, so nobody may change one.
 */
export function createInProcessBus(options: InProcessBusOptions = {}): MessageBus {
  const { log, mailboxMessages = limits.mailboxMessages } = options;
  const agents = new Map<string, Mailbox>();
  const listeners = new Map<string, Mailbox>();
  let closed = false;

  const refuseClosed = () => {
    if (closed) throw new MusterError("unavailable", "The message bus is closed.");
  };

  const open = (mailboxes: Map<string, Mailbox>, address: string, handler: Handler): Subscription => {
    refuseClosed();
    mailboxes.get(address)?.end();
    const mailbox = new Mailbox(handler, mailboxMessages, log);
    mailboxes.set(address, mailbox);
    return {
      async end() {
        mailbox.end();
        if (mailboxes.get(address) === mailbox) mailboxes.delete(address);
      },
    };
  };

  const deliver = (mailboxes: Map<string, Mailbox>, message: Message, priority: number): void => {
    refuseClosed();
    const mailbox = mailboxes.get(message.to);
    if (!mailbox) {
      log?.debug({ messageId: message.id, to: message.to }, "Nobody listens; the message is lost.");
      return;
    }
    if (!mailbox.put(message, priority)) throw full(message.to, mailboxMessages);
  };

  return {
    send: async (message, priority) => deliver(agents, message, priority),
    respond: async (message) => deliver(listeners, message, answerPriority),
    async broadcast(message) {
      refuseClosed();
      for (const [agentId, mailbox] of agents) {
        if (agentId === message.from || mailbox.put(message, broadcastPriority)) continue;
        log?.warn(
          { messageId: message.id, agentId },
          "A mailbox is full; the broadcast is lost for this agent.",
        );
      }
    },
    subscribe: async (agentId, handler) => open(agents, agentId, handler),
    listen: async (address, handler) => open(listeners, address, handler),
    async close() {
      closed = true;
      for (const mailbox of [...agents.values(), ...listeners.values()]) mailbox.end();
      agents.clear();
      listeners.clear();
    },
  };
}

function full(to: string, capacity: number): MusterError {
  return new MusterError("rate_limited", `${capacity} messages already wait for ${to}.`, {
    hint: "Send again once it has caught up.",
  });
}
