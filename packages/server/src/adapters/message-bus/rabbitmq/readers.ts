import { setTimeout as pause } from "node:timers/promises";
import { messageOfAmqp } from "@muster/sdk/protocol";
import type { AsyncMessage, Channel, Connection } from "rabbitmq-client";
import { type Acknowledgements, createAcknowledgements } from "./acknowledgements.ts";
import type { Claims } from "./claims.ts";
import { createLastingChannel } from "./lasting-channel.ts";
import type { QueueReader } from "./queue-reader.ts";
import { declareExchanges, type QueueShape } from "./topology.ts";
import { brokerUnavailable } from "./unavailable.ts";

export interface ReadersOptions {
  connection: Connection;
  claims: Pick<Claims, "announce" | "hearAgain" | "listen">;
  onProblem: (error: unknown) => void;
}

/** What belongs to one channel and goes with it. */
interface Desk {
  channel: Channel;
  acknowledgements: Acknowledgements;
  /** Who reads through it, by the name that the broker knows the reader by. */
  byTag: Map<string, QueueReader>;
  tagOf: Map<QueueReader, string>;
}

/** How long a newcomer waits for whoever reads a queue to let go of it. */
const handOverMs = 1_000;
const handOverPollMs = 5;
/** A queue that could not be read is tried again after this long. */
const againMs = 500;
const reachMs = 5_000;

/**
 * All queues that this node reads, through one channel: a broker allows many thousand queues but not as many
 * channels. Whenever the channel is new, or a queue was deleted under its reader, queues are declared and read again.
 */
export function createReaders({ connection, claims, onProblem }: ReadersOptions) {
  const readers = new Map<string, QueueReader>();
  let desk: Desk | undefined;
  let made = 0;
  let closed = false;
  /** Mistakes close a channel, so that which declares is not that which reads. */
  const declaring = createLastingChannel({ connection, onProblem, setUp: declareExchanges });
  const reading = createLastingChannel({
    connection,
    onProblem,
    async setUp(channel) {
      const acknowledgements = createAcknowledgements(channel);
      const mine: Desk = { channel, acknowledgements, byTag: new Map(), tagOf: new Map() };
      desk = mine;
      channel.on("basic.cancel", (tag: string) => whenCancelled(mine, tag));
      await declareExchanges(channel);
      await claims.listen(channel);
      await Promise.all([...readers.values()].map((reader) => resume(mine, reader)));
    },
  });

  async function declare(queue: QueueShape): Promise<number> {
    const channel = await declaring.get(reachMs);
    try {
      return await queue.declare(channel);
    } catch (error) {
      throw brokerUnavailable(`The queue ${queue.name} could not be made`, error);
    }
  }

  /** Waits until nobody else reads a queue. Who is frozen does not let go; then two read it for a while. */
  async function handOver(queue: QueueShape): Promise<void> {
    const until = performance.now() + handOverMs;
    const channel = await declaring.get(reachMs);
    while (performance.now() < until) {
      const { consumerCount } = await channel.queueDeclare({ queue: queue.name, passive: true });
      if (consumerCount === 0) return;
      await pause(handOverPollMs);
    }
  }

  async function begin(at: Desk, reader: QueueReader): Promise<void> {
    const readBy = await declare(reader.options.queue);
    if (reader.options.alone) {
      claims.announce(reader, true);
      if (readBy > 0) await handOver(reader.options.queue);
    }
    await consume(at, reader);
  }

  /** As after a lost connection: goes on until it reads again or was replaced meanwhile. */
  async function resume(at: Desk, reader: QueueReader): Promise<void> {
    try {
      await declare(reader.options.queue);
      if (reader.options.alone) claims.announce(reader, false);
      await consume(at, reader);
    } catch (error) {
      if (closed || reader.ended || !at.channel.active) return;
      onProblem(error);
      setTimeout(() => {
        if (!closed && !reader.ended && at.channel.active) void resume(at, reader);
      }, againMs).unref();
    }
  }

  /** Who deleted a queue may have deleted exchanges, too, and with them the way by which claims are heard. */
  async function resumeDeleted(at: Desk, reader: QueueReader): Promise<void> {
    await resume(at, reader);
    await declaring.get(reachMs).then(claims.hearAgain).catch(onProblem);
  }

  async function consume(at: Desk, reader: QueueReader): Promise<void> {
    const { channel, byTag, tagOf } = at;
    if (reader.ended || !channel.active || tagOf.has(reader)) return;
    const { queue, prefetch } = reader.options;
    const consumerTag = `muster-${++made}`;
    byTag.set(consumerTag, reader);
    tagOf.set(reader, consumerTag);
    const asked = channel.basicQos({ prefetchCount: prefetch });
    const consumed = channel.basicConsume(
      // The broker serves the newest first, should there be two.
      { queue: queue.name, consumerTag, arguments: { "x-priority": Math.floor(reader.since / 1_000) } },
      (delivery) => receive(at, reader, delivery),
    );
    await Promise.all([asked, consumed]);
    if (reader.ended) await cancel(at, reader);
  }

  function receive({ acknowledgements }: Desk, reader: QueueReader, delivery: AsyncMessage): void {
    const { deliveryTag } = delivery;
    const message = messageOfAmqp(delivery.body, delivery.headers);
    acknowledgements.received(deliveryTag);
    if (message === undefined) acknowledgements.refuse(deliveryTag);
    else {
      reader.take({
        message,
        handled: () => acknowledgements.handled(deliveryTag),
        giveBack: () => acknowledgements.giveBack(deliveryTag),
      });
    }
  }

  function whenCancelled(at: Desk, tag: string): void {
    const reader = at.byTag.get(tag);
    if (reader === undefined) return;
    at.byTag.delete(tag);
    at.tagOf.delete(reader);
    if (closed || reader.ended) return;
    onProblem(new Error(`the queue ${reader.options.queue.name} was deleted`));
    void resumeDeleted(at, reader);
  }

  async function cancel({ channel, byTag, tagOf }: Desk, reader: QueueReader): Promise<void> {
    const consumerTag = tagOf.get(reader);
    const told = consumerTag !== undefined && channel.active;
    const cancelled = told ? channel.basicCancel({ consumerTag }) : undefined;
    // After the order to cancel, so that what goes back does not come to this reader again.
    reader.end();
    tagOf.delete(reader);
    if (consumerTag !== undefined) byTag.delete(consumerTag);
    await cancelled?.catch(() => {});
  }

  /** Ends a reader, wherever it reads. */
  async function end(reader: QueueReader): Promise<void> {
    if (desk === undefined || closed) reader.end();
    else await cancel(desk, reader);
  }

  return {
    find: (queue: string) => readers.get(queue),
    declare,
    check: () => declaring.check(),
    /** Reads a queue until the reader ends. A reader of the same queue on this node ends now. */
    async add(reader: QueueReader): Promise<void> {
      const { name } = reader.options.queue;
      await reading.get(reachMs);
      const before = readers.get(name);
      readers.set(name, reader);
      try {
        if (before !== undefined) await end(before);
        await begin(desk!, reader);
      } catch (error) {
        if (readers.get(name) === reader) readers.delete(name);
        reader.end();
        throw error;
      }
    },
    async remove(reader: QueueReader): Promise<void> {
      const { name } = reader.options.queue;
      if (readers.get(name) === reader) readers.delete(name);
      if (!reader.ended) await end(reader);
    },
    async close(): Promise<void> {
      closed = true;
      // What was handled in this turn is told to the broker at its end.
      await new Promise((resolve) => setImmediate(resolve));
      for (const reader of readers.values()) reader.end();
      readers.clear();
      await Promise.all([declaring.close(), reading.close()]);
    },
  };
}
