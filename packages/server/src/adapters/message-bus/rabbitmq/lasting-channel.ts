import { setTimeout as pause } from "node:timers/promises";
import { amqpNames } from "@muster/sdk/protocol";
import type { Channel, Connection } from "rabbitmq-client";
import { brokerUnavailable, busClosed } from "./unavailable.ts";
import { within } from "./within.ts";

export interface LastingChannelOptions {
  connection: Connection;
  /** Makes a new channel ready for use. Where it fails, the next channel is tried. */
  setUp: (channel: Channel) => Promise<void>;
  /** Told why the channel was lost or could not be set up. */
  onProblem: (error: unknown) => void;
}

/** A channel that comes back: after a lost connection, and after a mistake for which the broker closed it. */
export interface LastingChannel {
  /** The channel, ready for use. Rejects with `unavailable` when there is none within `mostMs`. */
  get(mostMs: number): Promise<Channel>;
  /** Rejects with `unavailable` unless the broker answers on it now. */
  check(): Promise<void>;
  close(): Promise<void>;
}

const retryDelay = { firstMs: 50, mostMs: 1_000 };
/** The broker answers everything that is in setting up a channel of up to some thousand queues by then. */
const setUpMs = 30_000;
const checkMs = 2_000;

export function createLastingChannel({
  connection,
  setUp,
  onProblem,
}: LastingChannelOptions): LastingChannel {
  let closed = false;
  let ready: Channel | undefined;
  let current = open();

  /** Goes on until there is a channel, or nobody wants one any more. */
  async function open(): Promise<Channel> {
    for (let failures = 0; !closed; failures++) {
      let channel: Channel | undefined;
      try {
        channel = await connection.acquire({ emitErrorsFromChannel: true });
        channel.on("error", onProblem);
        await within(setUpMs, setUp(channel));
        if (!channel.active) continue;
        channel.once("close", reopen);
        ready = channel;
        return channel;
      } catch (error) {
        if (!closed) onProblem(error);
        void channel?.close();
        await pause(Math.min(retryDelay.firstMs * 2 ** failures, retryDelay.mostMs));
      }
    }
    throw busClosed();
  }

  function reopen(): void {
    ready = undefined;
    if (!closed) current = quietly(open());
  }

  /** Whoever waits for the channel hears of its failure; when nobody waits, it is no unhandled rejection. */
  function quietly(opening: Promise<Channel>): Promise<Channel> {
    opening.catch(() => {});
    return opening;
  }

  async function get(mostMs: number): Promise<Channel> {
    if (closed) throw busClosed();
    if (ready?.active) return ready;
    try {
      return await within(mostMs, current);
    } catch (error) {
      throw closed ? busClosed() : brokerUnavailable("The message broker is out of reach", error);
    }
  }

  quietly(current);
  return {
    get,
    async check() {
      const channel = await get(checkMs);
      try {
        const exchange = { exchange: amqpNames.tasks, passive: true };
        await within(checkMs, channel.exchangeDeclare(exchange));
      } catch (error) {
        throw brokerUnavailable("The message broker does not answer", error);
      }
    },
    async close() {
      closed = true;
      const channel = await within(1, current).catch(() => undefined);
      await channel?.close();
    },
  };
}
