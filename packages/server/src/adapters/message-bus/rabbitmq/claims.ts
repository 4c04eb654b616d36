import { amqpNames } from "@muster/sdk/protocol";
import type { Channel } from "rabbitmq-client";
import type { QueueReader } from "./queue-reader.ts";

/** What a node says when it begins to read a queue that only one may read. */
interface Claim {
  queue: string;
  since: number;
  node: string;
  /** It has just begun; else it has come back, or contradicts somebody. */
  fresh: boolean;
}

export interface ClaimsOptions {
  node: string;
  /** Our reader of a queue. */
  find: (queue: string) => QueueReader | undefined;
  /** Ours was replaced. */
  letGo: (reader: QueueReader) => void;
  publish: (routingKey: string, body: Buffer) => Promise<unknown>;
}

const routingKey = "orchestrator.claims";
/** Who began this recently argues with a newcomer by time of beginning; who is older gives way to any. */
const youngMs = 2_000;

/**
 * Sees to it that a queue of an agent has one reader in the whole cluster: the newest. Every node hears who begins to
 * read what. Of two claims the later one wins, by a clock that no node lets fall behind what it has heard; the loser
 * stops to read. As clocks differ all the same, whoever has read for a while gives way to a newcomer in any case, and a
 * node that was cut off and comes back with an old claim is contradicted.
 */
export function createClaims({ node, find, letGo, publish }: ClaimsOptions) {
  let latest = 0;
  let ears = "";

  function announce({ options, since }: QueueReader, fresh: boolean): void {
    const claim: Claim = { queue: options.queue.name, since, node, fresh };
    // One that is lost leaves two readers, of which the broker prefers the newer.
    publish(routingKey, Buffer.from(JSON.stringify(claim))).catch(() => {});
  }

  function hear(claim: Claim): void {
    latest = Math.max(latest, claim.since);
    const ours = claim.node === node ? undefined : find(claim.queue);
    if (ours === undefined) return;
    const later = claim.since > ours.since || (claim.since === ours.since && claim.node > node);
    if (later || (claim.fresh && performance.now() - ours.beganAt > youngMs)) letGo(ours);
    else announce(ours, false);
  }

  return {
    announce,
    /** A moment that is later than every claim that was heard of. */
    now(): number {
      latest = Math.max(latest + 1, Date.now());
      return latest;
    },
    /** Goes on to hear after the exchange was deleted and made again. */
    async hearAgain(channel: Channel): Promise<void> {
      await channel.queueBind({ queue: ears, exchange: amqpNames.tasks, routingKey });
    },
    /** Hears on this channel, through a queue that goes with the connection. */
    async listen(channel: Channel): Promise<void> {
      const { queue } = await channel.queueDeclare({ queue: "", exclusive: true, autoDelete: true });
      ears = queue;
      await channel.queueBind({ queue, exchange: amqpNames.tasks, routingKey });
      await channel.basicConsume({ queue, noAck: true }, ({ body }) => {
        if (isClaim(body)) hear(body);
      });
    },
  };
}

export type Claims = ReturnType<typeof createClaims>;

const isClaim = (body: unknown): body is Claim => {
  if (typeof body !== "object" || body === null) return false;
  const { queue, since, node } = body as Record<string, unknown>;
  return typeof queue === "string" && Number.isSafeInteger(since) && typeof node === "string";
};
