import type { Signals } from "../../../ports/signals.ts";

type Handler = (payload: unknown) => void;

/** Where the nodes of one process meet, as those of a simulation do. */
export interface SignalExchange {
  nodes: Set<ReadonlyMap<string, ReadonlySet<Handler>>>;
}

export const createSignalExchange = (): SignalExchange => ({ nodes: new Set() });

/** Signals between nodes of one process. A node that is alone has nobody to tell, and nothing is lost in between. */
export function createInMemorySignals(exchange: SignalExchange = createSignalExchange()): Signals {
  const handlersOf = new Map<string, Set<Handler>>();
  exchange.nodes.add(handlersOf);

  return {
    publish(topic, payload) {
      if (!exchange.nodes.has(handlersOf)) return;
      const text = JSON.stringify(payload ?? null);
      for (const node of exchange.nodes) {
        if (node === handlersOf) continue;
        for (const handler of node.get(topic) ?? []) queueMicrotask(() => handler(JSON.parse(text)));
      }
    },
    async subscribe(topic, handler) {
      const handlers = handlersOf.get(topic) ?? new Set();
      handlersOf.set(topic, handlers);
      const own: Handler = (payload) => {
        if (handlers.has(own)) handler(payload);
      };
      handlers.add(own);
      return {
        async end() {
          handlers.delete(own);
        },
      };
    },
    onGap() {},
    async close() {
      exchange.nodes.delete(handlersOf);
      for (const handlers of handlersOf.values()) handlers.clear();
    },
  };
}
