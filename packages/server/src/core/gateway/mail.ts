import { type Message, type MessageType, MusterError } from "@muster/sdk/protocol";
import type { AgentRecord, AgentRegistry } from "../../ports/agent-registry.ts";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Ids } from "../../ports/ids.ts";
import type { MessageBus } from "../../ports/message-bus.ts";
import { isoTime } from "../task-view.ts";
import { payloadText } from "../validate.ts";

/** Messages between agents go behind tasks of medium priority. */
const messagePriority = 4;
const defaultQueryTimeoutMs = 10_000;
/** Questions that one agent may have open. */
const mostOpenQueries = 1_000;

interface OpenQuery {
  asked: string;
  asker: string;
  resolve: (payload: unknown) => void;
  timer: Timer;
}

export interface MailDependencies {
  registry: AgentRegistry;
  bus: MessageBus;
  clock: Clock;
  ids: Ids;
}

/** Begins the correlation id of a query and ends with it: where its answer is waited for. */
const returnAddress = /^(node-[\w-]{1,64})\//;

/**
 * Messages between agents: at most once, to agents of the same tenant or shared ones. A query is matched with
 * its answer by correlation id, which names the node where it was asked; the one standing listener of each node serves
 * all queries that were asked there, so none leaks.
 */
export function createMail({ registry, bus, clock, ids }: MailDependencies) {
  const open = new Map<string, OpenQuery>();
  let listening: Promise<string> | undefined;

  /** The address of this node, where answers arrive from now on. */
  function listen(): Promise<string> {
    listening ??= startListening().catch((error: unknown) => {
      listening = undefined;
      throw error;
    });
    return listening;
  }

  async function startListening(): Promise<string> {
    const address = `node-${ids.next()}`;
    await bus.listen(address, receive);
    return address;
  }

  /** What the bus brings for somebody who asked here. Only the agent that was asked can answer. */
  function receive(message: Message): void {
    const query = open.get(message.correlationId);
    if (query === undefined || query.asked !== message.from) return;
    open.delete(message.correlationId);
    query.timer.cancel();
    query.resolve(message.payload);
  }

  async function find(from: AgentRecord, to: string): Promise<AgentRecord> {
    const everyone = await registry.list(clock.now());
    const reachable = everyone.filter(
      (a) => a.tenant === "*" || from.tenant === "*" || a.tenant === from.tenant,
    );
    const found = reachable.find((agent) => agent.id === to) ?? reachable.find((agent) => agent.name === to);
    if (found === undefined) {
      throw new MusterError("not_found", `There is no live agent "${to}".`, {
        hint: "List the agents to see who is there.",
      });
    }
    return found;
  }

  function compose(
    type: MessageType,
    from: string,
    to: string,
    payload: unknown,
    correlationId?: string,
  ): Message {
    payloadText(payload, "The payload");
    const id = ids.next();
    return { id, type, from, to, correlationId: correlationId ?? id, payload, sentAt: isoTime(clock.now()) };
  }

  return {
    async send(from: AgentRecord, to: string, payload: unknown): Promise<{ messageId: string }> {
      const message = compose("event", from.id, (await find(from, to)).id, payload);
      await bus.send(message, messagePriority);
      return { messageId: message.id };
    },

    async broadcast(from: AgentRecord, payload: unknown): Promise<{ messageId: string }> {
      const message = compose("event", from.id, "*", payload);
      await bus.broadcast(message);
      return { messageId: message.id };
    },

    async query(from: AgentRecord, to: string, payload: unknown, timeoutMs = defaultQueryTimeoutMs) {
      const asked = await find(from, to);
      const mine = [...open.values()].filter((query) => query.asker === from.id).length;
      if (mine >= mostOpenQueries) {
        throw new MusterError("limit_exceeded", `Agent ${from.name} waits for ${mine} answers already.`);
      }
      const correlationId = `${await listen()}/${ids.next()}`;
      const message = compose("query", from.id, asked.id, payload, correlationId);
      const answer = new Promise<{ payload: unknown }>((resolve, reject) => {
        const timer = clock.setTimer(timeoutMs, () => {
          open.delete(message.correlationId);
          reject(
            new MusterError("no_reply", `Agent ${asked.name} did not answer within ${timeoutMs} ms.`, {
              hint: "Ask again, give it more time with timeoutMs, or delegate a task, which survives a crash.",
            }),
          );
        });
        const settle = (reply: unknown) => resolve({ payload: reply });
        open.set(message.correlationId, { asked: asked.id, asker: from.id, resolve: settle, timer });
      });
      answer.catch(() => {});
      await bus.send(message, messagePriority);
      return answer;
    },

    async reply(from: AgentRecord, to: string, correlationId: string, payload: unknown) {
      const address = returnAddress.exec(correlationId)?.[1];
      if (address === undefined) {
        throw new MusterError("invalid_request", `"${correlationId}" is the correlation id of no query.`, {
          hint: `Answer ${to} with the correlationId of its query, as it came.`,
        });
      }
      const message = compose("task_response", from.id, address, payload, correlationId);
      await bus.respond(message);
      return { messageId: message.id };
    },
  };
}

export type Mail = ReturnType<typeof createMail>;
