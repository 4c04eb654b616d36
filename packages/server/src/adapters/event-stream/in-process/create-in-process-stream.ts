import type { EventStream, Signal } from "../../../ports/event-stream.ts";
import type { Log } from "../../../ports/log.ts";

/** Signals on their way. Beyond it the oldest are lost, which costs time and nothing else. */
const longestQueue = 10_000;

/** The event stream of an embedded orchestrator: subscribers are called in order, soon, never inside `publish`. */
export function createInProcessStream(log?: Log): EventStream {
  const handlers = new Set<(signal: Signal) => void>();
  let queue: Signal[] = [];

  const deliver = () => {
    const signals = queue;
    queue = [];
    for (const signal of signals)
      for (const handler of handlers) {
        try {
          handler(signal);
        } catch (error) {
          log?.warn({ err: error, signal: signal.kind }, "A handler failed on a signal.");
        }
      }
  };

  return {
    publish(signal) {
      if (handlers.size === 0) return;
      if (queue.length === 0) queueMicrotask(deliver);
      if (queue.length >= longestQueue) queue.shift();
      queue.push(signal);
    },
    async subscribe(handler) {
      // A function of its own, so that the same handler may subscribe twice.
      const own = (signal: Signal) => handler(signal);
      handlers.add(own);
      return {
        async end() {
          handlers.delete(own);
        },
      };
    },
    async close() {
      handlers.clear();
      queue = [];
    },
  };
}
