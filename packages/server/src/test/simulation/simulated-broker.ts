import type { Message } from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { MessageBus, Subscription } from "../../ports/message-bus.ts";
import type { Chance } from "./chance.ts";
import { type Faults, lost } from "./faults.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

type Handler = (message: Message) => Promise<void> | void;

interface Reader {
  process: SimulatedProcess;
  handler: Handler;
}

export interface BrokerOptions {
  clock: Clock;
  chance: Chance;
  faults: Faults;
  note: (line: string) => void;
}

/** Messages that wait for one address while nobody reads there. */
const mostWaiting = 200;

/**
 * A broker that outlives the nodes: it loses, repeats and delays messages, each copy for a time of its own, so that
 * they overtake each other. What comes for somebody who is not there waits; the newest reader of an address counts.
 */
export function createSimulatedBroker({ clock, chance, faults, note }: BrokerOptions) {
  const agents = new Map<string, Reader>();
  const listeners = new Map<string, Reader>();
  const waiting = new Map<string, Message[]>();

  function attach(to: Map<string, Reader>, address: string, reader: Reader): Subscription {
    to.set(address, reader);
    const waited = waiting.get(address) ?? [];
    waiting.delete(address);
    for (const message of waited) post(to, address, message);
    return {
      async end() {
        if (to.get(address) === reader) to.delete(address);
      },
    };
  }

  function deliver(to: Map<string, Reader>, address: string, message: Message): void {
    const reader = to.get(address);
    if (reader !== undefined && !reader.process.isDead) {
      reader.process.reach(() => void reader.handler(message));
      return;
    }
    const waits = waiting.get(address) ?? [];
    if (waits.length < mostWaiting) waits.push(message);
    waiting.set(address, waits);
  }

  function post(to: Map<string, Reader>, address: string, message: Message): void {
    if (chance.is(faults.busDrops)) {
      note(`bus: a ${message.type} about ${message.taskId} is lost`);
      return;
    }
    const copies = chance.is(faults.busRepeats) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++)
      clock.setTimer(chance.int(0, faults.busDelayMs), () => deliver(to, address, message));
  }

  function refuseSometimes(): void {
    if (chance.is(faults.busRefuses)) throw lost("the bus took no message");
  }

  /** The bus as one node has it. */
  return (process: SimulatedProcess): MessageBus => ({
    async send(message) {
      refuseSometimes();
      post(agents, message.to, message);
    },
    async broadcast(message) {
      refuseSometimes();
      for (const agentId of agents.keys()) if (agentId !== message.from) post(agents, agentId, message);
    },
    async respond(message) {
      refuseSometimes();
      post(listeners, message.to, message);
    },
    subscribe: async (agentId, handler) => attach(agents, agentId, { process, handler }),
    listen: async (address, handler) => attach(listeners, address, { process, handler }),
    // Simulated agents speak to the gateway and not to the bus.
    serve: async () => ({ end: async () => {} }),
    provide: async () => {},
    check: async () => {},
    close: async () => {},
  });
}

export type SimulatedBroker = ReturnType<typeof createSimulatedBroker>;
