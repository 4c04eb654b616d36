import { createInMemoryRegistry } from "../adapters/agent-registry/in-memory/create-in-memory-registry.ts";
import { createInProcessBus } from "../adapters/message-bus/in-process/create-in-process-bus.ts";
import type { OrchestratorPorts, OrchestratorSettings } from "../core/create-orchestrator.ts";
import type { Cache } from "../ports/cache.ts";
import type { Database } from "../ports/database.ts";
import type { MessageBus } from "../ports/message-bus.ts";
import type { Signals } from "../ports/signals.ts";
import { orchestrate, type TestOrchestrator } from "./orchestrate.ts";

export interface TwoNodes {
  one: TestOrchestrator;
  other: TestOrchestrator;
  /** Makes the cache forget everything, as an emptied Redis does. */
  forget(): void;
  /** From here on signals are lost. */
  deafen(): void;
  stop(): Promise<void>;
}

/** Two orchestrators that share everything that nodes share, in one process. */
export async function startTwoNodes(
  database: Database,
  settings: OrchestratorSettings = {},
): Promise<TwoNodes> {
  const bus = createInProcessBus();
  const registry = createInMemoryRegistry();
  const values = new Map<string, unknown>();
  const topics = new Map<string, Set<{ node: object; handler: (payload: unknown) => void }>>();
  let deaf = false;

  /** What one node has of it: closing that leaves it to the other. */
  function share(): Partial<OrchestratorPorts> {
    const node = {};
    const cache: Cache = {
      get: async (key) => values.get(key),
      set: async (key, value) => void values.set(key, value),
      delete: async (key) => void values.delete(key),
      close: async () => {},
    };
    const signals: Signals = {
      publish(topic, payload) {
        if (deaf) return;
        for (const listener of topics.get(topic) ?? []) {
          if (listener.node !== node) setImmediate(() => listener.handler(payload));
        }
      },
      async subscribe(topic, handler) {
        const listener = { node, handler };
        topics.set(topic, (topics.get(topic) ?? new Set()).add(listener));
        return { end: async () => void topics.get(topic)?.delete(listener) };
      },
      onGap: () => {},
      close: async () => {},
    };
    const own: MessageBus = { ...bus, close: async () => {} };
    return { bus: own, registry, cache, signals };
  }

  const one = await orchestrate(database, settings, share());
  const other = await orchestrate(database, settings, share());
  return {
    one,
    other,
    forget: () => values.clear(),
    deafen: () => {
      deaf = true;
    },
    async stop() {
      await one.stop();
      await other.stop();
      await bus.close();
    },
  };
}
