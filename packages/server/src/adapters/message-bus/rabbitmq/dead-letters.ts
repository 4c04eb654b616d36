import type { AsyncMessage, Connection } from "rabbitmq-client";
import type { Log } from "../../../ports/log.ts";
import { createLastingChannel } from "./lasting-channel.ts";
import { deadLetterQueue, declareExchanges } from "./topology.ts";

/** Dead letters are told of at most this often, the others are counted. */
const tellEveryMs = 10_000;
const prefetch = 100;
/** Characters of a dead letter that are shown. */
const shown = 500;

/**
 * Says in the log which messages died, and why: nobody read them in time, or nobody could make sense of them. Tasks
 * among them are not lost, as their leases end. Of all nodes one tells of each.
 */
export function createDeadLetters(
  connection: Connection,
  log: Pick<Log, "warn">,
  onProblem: (error: unknown) => void,
) {
  let untold = 0;
  let total = 0;
  let newest: AsyncMessage | undefined;
  let timer: NodeJS.Timeout | undefined;

  const lasting = createLastingChannel({
    connection,
    onProblem,
    async setUp(channel) {
      await declareExchanges(channel);
      await deadLetterQueue.declare(channel);
      await channel.basicQos({ prefetchCount: prefetch });
      channel.on("basic.cancel", () => void channel.close());
      await channel.basicConsume({ queue: deadLetterQueue.name }, (letter) => {
        note(letter);
        if (channel.active) channel.basicAck({ deliveryTag: letter.deliveryTag });
      });
    },
  });

  function note(letter: AsyncMessage): void {
    total += 1;
    untold += 1;
    newest = letter;
    if (timer === undefined) tell();
  }

  function tell(): void {
    timer = undefined;
    if (untold === 0 || newest === undefined) return;
    const [death] = (newest.headers?.["x-death"] ?? []) as { queue?: string; reason?: string }[];
    const { messageId, type } = newest;
    const text = Buffer.isBuffer(newest.body) ? newest.body.toString() : JSON.stringify(newest.body);
    const facts = { count: untold, total, messageId, type, queue: death?.queue, reason: death?.reason };
    log.warn({ ...facts, text: text.slice(0, shown) }, "Messages died; this is the newest of them.");
    untold = 0;
    timer = setTimeout(tell, tellEveryMs);
    timer.unref();
  }

  return {
    async close(): Promise<void> {
      await lasting.close();
      tell();
      clearTimeout(timer);
    },
  };
}
