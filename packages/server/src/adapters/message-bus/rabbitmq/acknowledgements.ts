import type { Channel } from "rabbitmq-client";

/**
 * Tells the broker which deliveries of one channel were handled. What was handled in one turn is told together: all
 * up to the oldest that is still under way in one frame, the few beyond it one by one.
 */
export interface Acknowledgements {
  /** A delivery came; nothing after it may be acknowledged in one with what came before it. */
  received(tag: number): void;
  handled(tag: number): void;
  /** Not handled: back into its queue, for somebody else. */
  giveBack(tag: number): void;
  /** Nobody can handle it: a dead letter. */
  refuse(tag: number): void;
}

export function createAcknowledgements(channel: Channel): Acknowledgements {
  /** In the order of their arrival, which is that of their tags. */
  const underWay = new Set<number>();
  let handled: number[] = [];

  function tell(): void {
    const done = handled;
    handled = [];
    if (!channel.active) return;
    const [oldest = Number.POSITIVE_INFINITY] = underWay;
    const together = done.reduce((highest, tag) => (tag < oldest && tag > highest ? tag : highest), 0);
    if (together > 0) channel.basicAck({ deliveryTag: together, multiple: true });
    for (const tag of done) if (tag > oldest) channel.basicAck({ deliveryTag: tag });
  }

  function reject(tag: number, requeue: boolean): void {
    if (underWay.delete(tag) && channel.active) channel.basicNack({ deliveryTag: tag, requeue });
  }

  return {
    received: (tag) => void underWay.add(tag),
    handled(tag) {
      if (!underWay.delete(tag)) return;
      if (handled.push(tag) === 1) setImmediate(tell);
    },
    giveBack: (tag) => reject(tag, true),
    refuse: (tag) => reject(tag, false),
  };
}
