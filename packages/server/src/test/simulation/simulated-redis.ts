import { createInMemoryRegistry } from "../../adapters/agent-registry/in-memory/create-in-memory-registry.ts";
import { createInMemoryLocks } from "../../adapters/locks/in-memory/create-in-memory-locks.ts";
import type { AgentRecord, AgentRegistry } from "../../ports/agent-registry.ts";
import type { Cache } from "../../ports/cache.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Locks } from "../../ports/locks.ts";
import type { Signals } from "../../ports/signals.ts";
import type { Chance } from "./chance.ts";
import { type Faults, lost } from "./faults.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

export interface RedisOptions {
  clock: Clock;
  chance: Chance;
  faults: Faults;
  note: (line: string) => void;
}

/** What a node takes from it. */
export interface SharedPorts {
  registry: AgentRegistry;
  cache: Cache;
  locks: Locks;
  signals: Signals;
}

interface Kept {
  value: unknown;
  until: number;
}

interface Listener {
  process: SimulatedProcess;
  topic: string;
  handler: (payload: unknown) => void;
}

/**
 * What nodes share for a while: who is here, slots, duties, sessions, signals. It answers at once, since a node asks
 * for slots in the middle of a transaction; it fails, loses signals, is away for a time and forgets everything.
 */
export function createSimulatedRedis({ clock, chance, faults, note }: RedisOptions) {
  let registry = createInMemoryRegistry();
  let locks = createInMemoryLocks({ clock });
  /** Grows when everything is forgotten. */
  let epoch = 0;
  let away = false;
  const values = new Map<string, Kept>();
  const listeners = new Set<Listener>();

  async function call<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (away) throw lost(`${name}: Redis is away`);
    if (chance.is(faults.redisFails)) throw lost(`${name} did not reach Redis`);
    const result = await work();
    if (!chance.is(faults.redisFails)) return result;
    note(`redis: ${name} happened, its answer is lost`);
    throw lost(`the answer to ${name} was lost`);
  }

  /** Remembers what it saw, as the mirror of a node does, so that an agent can come back after all was forgotten. */
  function registryOf(): AgentRegistry {
    const seen = new Map<string, { record: AgentRecord; epoch: number }>();
    let lastList: AgentRecord[] = [];
    const remember = (record: AgentRecord): void => void seen.set(record.id, { record, epoch });
    const isForgotten = (agentId: string): boolean => (seen.get(agentId)?.epoch ?? epoch) < epoch;
    return {
      async put(record, held) {
        await call("put", () => registry.put(record, held));
        remember(record);
      },
      async heartbeat(agentId, seenAt, expiresAt, status) {
        const answer = await call("heartbeat", () => registry.heartbeat(agentId, seenAt, expiresAt, status));
        return answer === "unknown" && isForgotten(agentId) ? "lost" : answer;
      },
      recordOutcome: (agentId, outcomes) => call("outcome", () => registry.recordOutcome(agentId, outcomes)),
      async remove(agentId) {
        const removed = await call("remove", () => registry.remove(agentId));
        const known = removed ?? (isForgotten(agentId) ? seen.get(agentId)?.record : undefined);
        seen.delete(agentId);
        return known;
      },
      async get(agentId) {
        const known = away ? undefined : await registry.get(agentId);
        if (known !== undefined) remember(known);
        return known ?? (away || isForgotten(agentId) ? seen.get(agentId)?.record : undefined);
      },
      async list(now) {
        if (away) return lastList.filter((agent) => agent.expiresAt > now);
        lastList = await registry.list(now);
        for (const record of lastList) remember(record);
        return lastList;
      },
      takeExpired: (now) => call("expired", () => registry.takeExpired(now)),
      reserve: (slots, now) => call("reserve", () => registry.reserve(slots, now)),
      restore: (slots) => call("restore", () => registry.restore(slots)),
      release: (slots) => call("release", () => registry.release(slots)),
      swap: (swaps) => call("swap", () => registry.swap(swaps)),
      reserved: () => call("reserved", () => registry.reserved()),
      close: async () => {},
    };
  }

  const cache: Cache = {
    async get(key) {
      const kept = values.get(key);
      return away || kept === undefined || kept.until <= clock.now() ? undefined : kept.value;
    },
    async set(key, value, ttlMs) {
      if (!away) values.set(key, { value, until: clock.now() + ttlMs });
    },
    async delete(key) {
      if (!away) values.delete(key);
    },
    close: async () => {},
  };

  const ownLocks: Locks = {
    acquire: (resource, ttlMs) => call("acquire", () => locks.acquire(resource, ttlMs)),
    renew: (lock, ttlMs) => call("renew", () => locks.renew(lock, ttlMs)),
    release: (lock) => call("release", () => locks.release(lock)),
    close: async () => {},
  };

  function signalsOf(process: SimulatedProcess): Signals {
    return {
      publish(topic, payload) {
        const text = JSON.stringify(payload ?? null);
        for (const listener of listeners) {
          if (listener.topic !== topic || listener.process === process || away) continue;
          if (chance.is(faults.signalsLost)) continue;
          const hear = () => listeners.has(listener) && listener.handler(JSON.parse(text));
          clock.setTimer(chance.int(0, faults.wireDelayMs), () => listener.process.reach(hear));
        }
      },
      async subscribe(topic, handler) {
        const listener = { process, topic, handler };
        listeners.add(listener);
        return { end: async () => void listeners.delete(listener) };
      },
      onGap() {},
      close: async () => {},
    };
  }

  return {
    portsFor: (process: SimulatedProcess): SharedPorts => ({
      registry: registryOf(),
      cache,
      locks: ownLocks,
      signals: signalsOf(process),
    }),
    /** Everything is gone, as when it is restarted without a disk. */
    forget(): void {
      note("redis: forgets everything");
      epoch += 1;
      registry = createInMemoryRegistry();
      void locks.close();
      locks = createInMemoryLocks({ clock });
      values.clear();
    },
    leave(): void {
      if (!away) note("redis: is away");
      away = true;
    },
    comeBack(): void {
      if (away) note("redis: is back");
      away = false;
    },
  };
}

export type SimulatedRedis = ReturnType<typeof createSimulatedRedis>;
