import type { Message } from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { MessageBus, Subscription } from "../../ports/message-bus.ts";
import type { Chance } from "./chance.ts";
import { type Faults, lost } from "./faults.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

type Handler = (message: Message) => Promise<void> | void;

export interface FaultyBusOptions {
  process: SimulatedProcess;
  clock: Clock;
  chance: Chance;
  faults: Faults;
  note: (line: string) => void;
}

/** A bus that loses, repeats and delays messages, each copy for a time of its own, so that they overtake each other. */
export function createFaultyBus({ process, clock, chance, faults, note }: FaultyBusOptions): MessageBus {
  const subscribers = new Map<string, Handler>();
  const listeners = new Map<string, Handler>();

  function attach(to: Map<string, Handler>, address: string, handler: Handler): Subscription {
    to.set(address, handler);
    return {
      async end() {
        if (to.get(address) === handler) to.delete(address);
      },
    };
  }

  function post(to: Map<string, Handler>, address: string, message: Message): void {
    if (chance.is(faults.busDrops)) {
      note(`bus: a ${message.type} about ${message.taskId} is lost`);
      return;
    }
    const copies = chance.is(faults.busRepeats) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const deliver = () => process.reach(() => void to.get(address)?.(message));
      clock.setTimer(chance.int(0, faults.busDelayMs), deliver);
    }
  }

  function refuseSometimes(): void {
    if (chance.is(faults.busRefuses)) throw lost("the bus took no message");
  }

  return {
    async send(message) {
      refuseSometimes();
      post(subscribers, message.to, message);
    },
    async broadcast(message) {
      refuseSometimes();
      for (const agentId of subscribers.keys()) {
        if (agentId !== message.from) post(subscribers, agentId, message);
      }
    },
    async respond(message) {
      refuseSometimes();
      post(listeners, message.to, message);
    },
    subscribe: async (agentId, handler) => attach(subscribers, agentId, handler),
    listen: async (address, handler) => attach(listeners, address, handler),
    close: async () => {},
  };
}
