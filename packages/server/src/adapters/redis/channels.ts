import type { Redis } from "ioredis";
import type { Subscription } from "../../ports/message-bus.ts";

type Handler = (text: string) => void;

export interface ListeningHandlers {
  /** All channels are listened to (again): what was published before may have been missed. */
  begun: () => void;
  /** Nothing arrives any more. */
  ended?: () => void;
}

/** The channels that one connection listens to, through all its reconnects. */
export function createChannels(subscriber: Redis) {
  const handlersOf = new Map<string, Set<Handler>>();
  const listeners = new Set<ListeningHandlers>();
  let isListening = false;

  async function subscribe(): Promise<void> {
    if (handlersOf.size > 0) await subscriber.subscribe(...handlersOf.keys());
    if (subscriber.status !== "ready") return;
    isListening = true;
    for (const { begun } of listeners) begun();
  }

  subscriber.on("message", (channel: string, text: string) => {
    for (const handler of handlersOf.get(channel) ?? []) handler(text);
  });
  subscriber.on("ready", () => void subscribe().catch(() => subscriber.disconnect(true)));
  subscriber.on("close", () => {
    if (isListening) for (const { ended } of listeners) ended?.();
    isListening = false;
  });

  return {
    async listen(channel: string, handler: Handler): Promise<Subscription> {
      const handlers = handlersOf.get(channel) ?? new Set();
      handlersOf.set(channel, handlers.add(handler));
      // While the connection is away nothing needs to be said: it listens to everything once it is back.
      if (subscriber.status === "ready")
        await subscriber.subscribe(channel).catch(() => subscriber.disconnect(true));
      return {
        async end() {
          if (!handlers.delete(handler) || handlers.size > 0) return;
          handlersOf.delete(channel);
          if (subscriber.status === "ready") await subscriber.unsubscribe(channel).catch(() => {});
        },
      };
    },
    onListening(handlers: ListeningHandlers): void {
      listeners.add(handlers);
      if (isListening) handlers.begun();
    },
  };
}
