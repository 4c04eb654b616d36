import type { Log } from "../../../ports/log.ts";
import type { Subscription } from "../../../ports/message-bus.ts";
import type { Signals } from "../../../ports/signals.ts";
import type { RedisConnection } from "../../redis/connect-redis.ts";

export interface RedisSignalsOptions {
  connection: RedisConnection;
  log: Log;
}

/**
 * Signals between nodes through the publish and subscribe of Redis. Whoever was away for a moment has missed what was
 * said meanwhile and is told so when it listens again.
 */
export function createRedisSignals({ connection, log }: RedisSignalsOptions): Signals {
  const gapHandlers = new Set<() => void>();
  const subscriptions = new Set<Subscription>();
  let wasListening = false;
  let closed = false;

  connection.onListening({
    begun() {
      if (closed) return;
      if (wasListening) for (const handler of gapHandlers) handler();
      wasListening = true;
    },
  });

  function receive(text: string, handler: (payload: unknown) => void): void {
    const [from, payload] = JSON.parse(text) as [string, unknown];
    if (from === connection.id) return;
    try {
      handler(payload);
    } catch (error) {
      log.error({ error }, "A signal could not be handled.");
    }
  }

  return {
    publish(topic, payload) {
      if (closed) return;
      const text = JSON.stringify([connection.id, payload ?? null]);
      connection
        .run((client) => client.publish(connection.key(`signals:${topic}`), text))
        .catch((error: unknown) => log.debug({ error, topic }, "A signal was lost."));
    },
    async subscribe(topic, handler) {
      const subscription = await connection.listen(connection.key(`signals:${topic}`), (text) =>
        receive(text, handler),
      );
      subscriptions.add(subscription);
      return {
        async end() {
          subscriptions.delete(subscription);
          await subscription.end();
        },
      };
    },
    onGap(handler) {
      gapHandlers.add(handler);
    },
    async close() {
      closed = true;
      for (const subscription of subscriptions) await subscription.end();
      subscriptions.clear();
    },
  };
}
