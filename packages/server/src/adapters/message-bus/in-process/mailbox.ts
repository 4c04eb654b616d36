import type { Message } from "@muster/sdk/protocol";
import type { Log } from "../../../ports/log.ts";

export type Handler = (message: Message) => Promise<void> | void;

/** Deliveries in a row before other work of the process gets its turn. */
const deliveriesPerTurn = 1_000;

const highestPriority = 10;

interface Queue {
  items: Message[];
  /** Items before this one are delivered. */
  first: number;
}

/**
 * The messages that wait for one subscriber, and their delivery: highest priority first, in order of arrival
 * inside a priority, one at a time. Bounded; a message that finds it full is not taken.
 */
export class Mailbox {
  readonly #handler: Handler;
  readonly #capacity: number;
  readonly #log: Log | undefined;
  /** By priority; made when first used, since most agents see one or two. */
  readonly #queues: (Queue | undefined)[] = [];
  #waiting = 0;
  #draining = false;
  #ended = false;

  constructor(handler: Handler, capacity: number, log: Log | undefined) {
    this.#handler = handler;
    this.#capacity = capacity;
    this.#log = log;
  }

  /** False where it is full. Never calls the handler before it returns. */
  put(message: Message, priority: number): boolean {
    if (this.#waiting >= this.#capacity) return false;
    const level = Math.min(Math.max(Math.trunc(priority) || 1, 1), highestPriority);
    let queue = this.#queues[level];
    if (!queue) {
      queue = { items: [], first: 0 };
      this.#queues[level] = queue;
    }
    queue.items.push(message);
    this.#waiting += 1;
    if (!this.#draining) {
      this.#draining = true;
      queueMicrotask(() => void this.#drain());
    }
    return true;
  }

  /** Drops what waits and delivers nothing more. */
  end(): void {
    this.#ended = true;
    this.#queues.length = 0;
    this.#waiting = 0;
  }

  async #drain(): Promise<void> {
    for (let delivered = 1; ; delivered++) {
      const message = this.#takeNext();
      if (message === undefined) break;
      try {
        await this.#handler(message);
      } catch (error) {
        this.#log?.warn(
          { err: error, messageId: message.id, to: message.to },
          "A handler failed; its message is lost.",
        );
      }
      if (delivered % deliveriesPerTurn === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.#draining = false;
  }

  #takeNext(): Message | undefined {
    if (this.#ended || this.#waiting === 0) return undefined;
    for (let level = highestPriority; level >= 1; level--) {
      const queue = this.#queues[level];
      const message = queue?.items[queue.first];
      if (!queue || message === undefined) continue;
      queue.first += 1;
      if (queue.first === queue.items.length) this.#queues[level] = undefined;
      // Lets go of what was delivered while more keeps coming in.
      else if (queue.first === this.#capacity) {
        queue.items = queue.items.slice(queue.first);
        queue.first = 0;
      }
      this.#waiting -= 1;
      return message;
    }
    return undefined;
  }
}
