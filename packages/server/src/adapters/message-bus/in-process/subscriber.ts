import type { Message } from "@muster/sdk/protocol";
import type { MessageHandler } from "../../../ports/message-bus.ts";
import { PriorityQueue } from "./priority-queue.ts";

/** Runs work soon, but never before the caller has returned. */
export type Defer = (work: () => void) => void;

/** Messages handled before the rest of the process gets its turn. */
const messagesPerTurn = 256;

export interface SubscriberOptions {
  handler: MessageHandler;
  /** Messages that may wait; the one being handled is not counted. */
  capacity: number;
  defer: Defer;
  /** Messages whose handling may be under way at once; 1 unless told. */
  atOnce?: number;
  onHandlerFailed: (message: Message, error: unknown) => void;
  /** What a subscriber that was replaced had not handled yet. */
  waiting?: PriorityQueue;
}

/**
 * One handler and the messages that wait for it. It handles one message at a time: the next one begins when
 * the handler has returned, or the promise it returned has settled.
 */
export class Subscriber {
  readonly #options: SubscriberOptions;
  readonly #waiting: PriorityQueue;
  readonly #pending = new Set<Promise<void>>();
  #draining = false;
  #ended = false;

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.#waiting = options.waiting ?? new PriorityQueue();
    this.#wake();
  }

  /** False where too many messages wait and this one was not taken. */
  take(message: Message, priority: number): boolean {
    if (this.#waiting.length >= this.#options.capacity) return false;
    this.#waiting.push(message, priority);
    this.#wake();
    return true;
  }

  /** The handler is not called any more. Answers what it has not handled, for a successor. */
  end(): PriorityQueue {
    this.#ended = true;
    return this.#waiting;
  }

  #wake(): void {
    if (this.#draining || this.#waiting.length === 0) return;
    this.#draining = true;
    this.#options.defer(() => void this.#drain());
  }

  /** Does not reject: a handler's failure is reported and the next message goes on. */
  async #drain(): Promise<void> {
    for (let handled = 0; !this.#ended && handled < messagesPerTurn; handled++) {
      const message = this.#waiting.shift();
      if (message === undefined) break;
      const pending = this.#handle(message);
      // Awaiting costs a turn of the microtask queue, which most handlers need not pay for.
      if (pending !== undefined) await this.#underWay(pending);
    }
    this.#draining = false;
    if (!this.#ended) this.#wake();
  }

  /** Resolves when there is room for one more. */
  async #underWay(pending: Promise<void>): Promise<void> {
    const done = pending.finally(() => this.#pending.delete(done));
    this.#pending.add(done);
    if (this.#pending.size >= (this.#options.atOnce ?? 1)) await Promise.race(this.#pending);
  }

  #handle(message: Message): Promise<void> | undefined {
    const failed = (error: unknown) => this.#options.onHandlerFailed(message, error);
    try {
      return this.#options.handler(message)?.catch(failed);
    } catch (error) {
      failed(error);
      return undefined;
    }
  }
}
