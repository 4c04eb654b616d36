import { MusterError } from "@muster/sdk/protocol";
import type { Connection, Envelope } from "rabbitmq-client";
import { createLastingChannel } from "./lasting-channel.ts";
import { declareExchanges } from "./topology.ts";
import { brokerUnavailable } from "./unavailable.ts";
import { within } from "./within.ts";

/** A message that the broker has not taken by then was perhaps not sent. */
const confirmMs = 5_000;
/** Times that a message is handed in anew after the connection broke under it. */
const mostTries = 3;
/** Messages that the broker has not confirmed yet, beyond which more are refused. */
const mostUnconfirmed = 20_000;
/** RabbitMQ closes the channel of whoever sends more than 128 MB. */
const mostBytes = 64 * 1024 * 1024;

/** What became of a message that the broker has taken responsibility for. */
export type Verdict = "queued" | "nobody" | "full";

export interface Publisher {
  /** Resolves when the broker has the message on disk or its reader has handled it. */
  publish(envelope: Envelope, body: Buffer): Promise<Verdict>;
  /** Rejects with `unavailable` where nothing can be sent now. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Sends without waiting for one message before the next; the broker confirms them in groups. */
export function createPublisher(connection: Connection, onProblem: (error: unknown) => void): Publisher {
  const returned = new Set<string>();
  const lasting = createLastingChannel({
    connection,
    onProblem,
    async setUp(channel) {
      await declareExchanges(channel);
      await channel.confirmSelect();
      channel.on("basic.return", ({ messageId }) => void returned.add(messageId as string));
    },
  });
  let unconfirmed = 0;

  async function handIn(envelope: Envelope, body: Buffer): Promise<Verdict> {
    const until = performance.now() + confirmMs;
    for (let tried = 1; ; tried++) {
      const channel = await lasting.get(Math.max(1, until - performance.now()));
      try {
        await within(Math.max(1, until - performance.now()), channel.basicPublish(envelope, body));
        return envelope.mandatory === true ? await whetherReturned(envelope.messageId!) : "queued";
      } catch (error) {
        if ((error as { code?: unknown }).code === "NACK") return "full";
        if (channel.active || tried >= mostTries || performance.now() >= until) {
          throw brokerUnavailable("The message broker did not confirm a message", error);
        }
      }
    }
  }

  /** The broker says that nobody gets a message before it confirms it; the driver says so one turn later. */
  async function whetherReturned(messageId: string): Promise<Verdict> {
    await new Promise((resolve) => setImmediate(resolve));
    return returned.delete(messageId) ? "nobody" : "queued";
  }

  return {
    async publish(envelope, body) {
      if (body.length > mostBytes) {
        throw new MusterError("payload_too_large", `A message of ${body.length} bytes can't be sent.`, {
          hint: `The message broker takes ${mostBytes} bytes at most, with everything that belongs to a task.`,
        });
      }
      if (unconfirmed >= mostUnconfirmed) {
        throw brokerUnavailable("The message broker does not keep up", `${unconfirmed} messages wait for it`);
      }
      unconfirmed += 1;
      try {
        return await handIn(envelope, body);
      } finally {
        unconfirmed -= 1;
      }
    },
    check: () => lasting.check(),
    close: () => lasting.close(),
  };
}
